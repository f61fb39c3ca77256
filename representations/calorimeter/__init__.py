"""Calorimeter images: tracks, ECAL and HCAL cells as pixels."""
