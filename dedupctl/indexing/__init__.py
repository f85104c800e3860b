"""From disk to catalog: one walk, caged workers, one writer. The scan and the daemon run the same path."""
