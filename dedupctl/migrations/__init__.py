"""The history of the schema, in numbered steps. Each step is self-contained: it never imports the current schema."""
