"""The commands, a module for each group of them: each reads its options, asks a room below, and shows the answer."""
