"""The web server: gunicorn's threads, which work on whole requests only.

The main loop of each process reads requests and sends what clients are slow to take; a
thread gets a request when all of it is here, and does not wait for its client.
"""
