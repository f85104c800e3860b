"""`dedupctl serve`: the page on which a person reviews clusters and decides."""
