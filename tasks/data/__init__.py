"""Data sets on disk: the store, its manifests, fingerprints, inventory and verification."""
