"""Jet images: the constituents of a jet as a picture of pt."""
