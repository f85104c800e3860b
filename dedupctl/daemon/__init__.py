"""How the catalog stays current: file system events become hints, hints settle into paths, paths go to the pipeline.

Linux comes first here; every import that exists on Linux only stays inside this room.
"""
