"""Ranking: results to rows, rows to boards."""
