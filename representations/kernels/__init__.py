"""What several representations share: particles and hits of events, and compiled loops over them."""
