"""The commands. Each reads its options, asks `dedupctl.Library`, and shows the answer."""
