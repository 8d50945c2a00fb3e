"""The networks that the method is compared with: one file each, and a registry of them."""
