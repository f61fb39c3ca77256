"""Figures by which a physicist judges a data set, and the numbers measured in them."""
