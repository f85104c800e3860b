"""The daemon keeps the catalog current: filesystem events become hints, hints become paths once files have settled, and
the pipeline reads those paths.

Linux is the main platform; imports that exist only on Linux stay inside this package.
"""
