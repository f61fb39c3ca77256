"""Quark jets vs gluon jets, from the published data sets of EnergyFlow."""
