"""Metrics of colour, and the protocol that scores a folder of images."""
