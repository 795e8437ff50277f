"""A database backend: Django's own for SQLite, whose writers take turns."""
