"""The virtual environment ``.venv``, and the lock files it is installed from."""
