"""Folders of photographs to batches for training."""
