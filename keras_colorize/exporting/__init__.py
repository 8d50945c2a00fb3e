"""Generators as files for other runtimes."""
