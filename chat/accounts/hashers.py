"""How passwords are kept."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Argon2id with the least that OWASP asks for (Password Storage Cheat Sheet).

    Django's own 100 MB a log-in are 1.6 GB when all threads of a small machine's web
    server check a password at once; this is 0.3.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
