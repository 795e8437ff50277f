"""The error that services raise if they refuse a message or another request."""

from __future__ import annotations


class MessageRefused(Exception):
    """A request is refused; the sentence says why and what to do.

    ``code`` is the API's error code. ``message`` is for users of a page, which keeps
    their text; ``bare_message`` is for clients that keep no text. ``retry_seconds`` is
    set if the same request may succeed after that time.
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
