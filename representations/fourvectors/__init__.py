"""Four-vectors: lists of particles with their kinematic columns."""
