"""Candidates, proof, pairs, clusters: the heart of the product."""
