"""The method, its rivals and its ablations: trained alike, scored alike, in one table."""
