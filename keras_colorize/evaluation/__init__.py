"""Measuring colour: the metrics of one image and the protocol that scores a folder."""
