"""What one file says of itself: its digests, its perceptual hashes, its vector and a small picture, from one decode."""
