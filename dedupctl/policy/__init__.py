"""What may be removed, and why: rules, guards, permission, companions, plans. Nothing here changes a file."""
