"""The web server: gunicorn, with threads that get whole requests only.

The main loop of each process reads requests and sends answers to slow clients. A thread
gets a request when all of it has arrived, and does not wait for its client.
"""
