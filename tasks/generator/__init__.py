"""Collisions of Pythia 8: settings, batches, and selections of rare or stratified events."""
