"""How is a plan carried out, taken back, settled after a crash, and ended for good?"""
