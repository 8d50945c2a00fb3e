"""Training: losses, the GAN, the run folder and what happens around an epoch."""
