"""How is a file moved, verified, replaced and made durable? This room knows no catalog and decides nothing."""
