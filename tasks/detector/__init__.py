"""A first fast simulation of a CMS-like detector, at the level of objects."""

VERSION = "1"
"""Raise it with every change that alters what the detector makes of a collision: it is part of a data set's name."""
