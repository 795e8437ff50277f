"""Full-text search over an owner's titles and messages, on SQLite and PostgreSQL."""
