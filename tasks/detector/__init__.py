"""A first fast simulation of a CMS-like detector, at the level of objects."""
