"""Representations: each turns events into samples, the input of models."""
