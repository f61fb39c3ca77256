"""The engine: one cell from events to result, many cells on one machine, one command line."""

__version__ = "0.1.0"
