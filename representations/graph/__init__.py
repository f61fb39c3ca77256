"""Graphs: particles or hits as nodes, joined to their nearest neighbours."""
