"""Figures by which a physicist judges a data set, and the numbers that are read off them."""
