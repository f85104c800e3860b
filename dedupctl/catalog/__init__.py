"""The catalog: one SQLite file, the single truth. Everything else can be deleted and comes back."""
