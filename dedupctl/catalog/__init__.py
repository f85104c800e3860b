"""The catalog: one SQLite file and the single source of truth. Everything else can be deleted and rebuilt."""
