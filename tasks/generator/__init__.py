"""Pythia 8: settings in, batches of collisions out."""
