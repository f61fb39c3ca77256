"""Simulations of the statistics of boards, with tables for docs/statistics.md."""
