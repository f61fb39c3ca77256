"""Circles: reconstructed objects as coloured circles on a canvas in eta and phi."""
