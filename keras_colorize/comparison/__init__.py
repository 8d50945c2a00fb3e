"""Training and scoring the method, its baselines and its ablations in the same way."""
