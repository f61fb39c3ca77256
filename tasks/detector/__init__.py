"""A fast simulation of a CMS-like detector: objects, tracks and hits of the calorimeters."""

VERSION = "3"
"""Raise it with every change that alters what the detector makes of a collision: it is part of a data set's name."""
