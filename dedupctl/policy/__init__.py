"""Decide what may go and act on it, so that no picture is ever lost."""
