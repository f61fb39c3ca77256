"""The training of networks: batches, steps and the loop."""
