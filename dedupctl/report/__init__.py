"""What the library holds, shown: terminal tables, a self-contained page, a map, and the same facts for machines."""
