"""Candidates, proof, pairs, clusters: which two are worth comparing, are they one picture, which belong together."""
