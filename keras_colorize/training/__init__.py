"""Training: losses, the GAN, run folders and callbacks."""
