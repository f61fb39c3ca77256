"""Learners, and how each of them looks at each representation."""
