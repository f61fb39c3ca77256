"""Metrics of a classifier, each with an interval: pure functions on arrays, one family in each file."""
