"""What one file contains: its digests, perceptual hashes, embeddings and thumbnail, all made from a single decode."""
