"""Who is close to whom: an index of unit vectors that can be thrown away, because the catalog keeps them all."""
