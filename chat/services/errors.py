"""A prompt that cannot be accepted: why, and what to do."""

from __future__ import annotations


class MessageRefused(Exception):
    """``code`` for programs, ``message`` for people at the page; ``bare_message`` where
    no page keeps what was typed.

    ``retry_seconds`` is set where the same prompt may be sent again later.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retry_seconds: int | None = None,
        bare_message: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.bare_message = message if bare_message is None else bare_message
        self.retry_seconds = retry_seconds
