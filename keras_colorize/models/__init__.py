"""The networks, built for Keras."""
