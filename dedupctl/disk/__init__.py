"""How is a file moved, verified, replaced and made durable? Knows no catalog and decides nothing."""
