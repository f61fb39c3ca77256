"""Jet images: the constituents of one jet as a picture of pt."""
