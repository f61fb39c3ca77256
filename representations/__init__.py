"""Ways of showing a collision to a learner."""
