"""The schema's history, one numbered verb a step. Each step is self-contained: it never imports the current schema."""
