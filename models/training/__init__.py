"""How networks learn: batches, steps, the loop."""
