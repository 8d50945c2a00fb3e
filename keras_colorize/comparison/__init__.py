"""The method, its baselines and its ablations: trained alike, scored alike, in one table."""
