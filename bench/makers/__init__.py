"""Makers of edits and of look-alikes that share no code with each other, so that one can be left out when choosing."""
