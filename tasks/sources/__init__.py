"""Readers of real files, by branches and columns that are needed only."""
