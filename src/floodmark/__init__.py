"""Floodmark: IATI data published with bounded memory, and memory growth told from leaks."""

__version__ = "0.1.0"
