"""The baselines, one file each, and their registry."""
