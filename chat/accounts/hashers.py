"""How passwords are hashed."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class LowMemoryArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with the least memory that OWASP accepts (Password Storage Cheat Sheet).

    Django's default takes 100 MB for each log-in, which is 1.6 GB if all threads of a
    small machine's web server check a password at once. This one takes 0.3 GB.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
