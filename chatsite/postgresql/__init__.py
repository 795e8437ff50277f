"""A database backend: Django's own for PostgreSQL, which waits for no lock for ever."""
