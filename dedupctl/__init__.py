"""dedupctl knows which photos of a library are the same picture, and proves it."""
