"""`dedupctl serve`: the page on which a person looks at clusters and decides."""
