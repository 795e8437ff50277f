"""Requests that leave nothing behind, so that there is something left to ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie

from django.db import transaction

from chatsite.mailbox import Mailbox
from tests.access.redis_outage import Copy
from tests.access.visitors import Visitor


class Undone:
    """Brings database, Redis and the cookies of a visitor back to what they are now."""

    def __init__(self, box: Mailbox, visitor: Visitor) -> None:
        self._redis = Copy(box)
        self._client = visitor.client
        self._cookies = SimpleCookie(visitor.client.cookies)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """What is done within is undone."""
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
        self._redis.bring_back()
        self._client.cookies = SimpleCookie(self._cookies)
