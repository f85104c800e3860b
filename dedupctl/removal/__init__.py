"""How is a plan carried out, undone, settled after a crash, and purged?"""
