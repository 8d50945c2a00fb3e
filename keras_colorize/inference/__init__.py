"""Any photograph to a colour photograph, by whichever runtime the weights are for."""
