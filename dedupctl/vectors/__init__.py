"""Nearest neighbours: an index of unit vectors that can be thrown away, because the catalog keeps every vector."""
