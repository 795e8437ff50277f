"""The answer to a prompt, or a wish, that is refused: the page it is said on stays."""

from __future__ import annotations

from django.http import HttpResponse


def refused_on(page: HttpResponse, retry_seconds: int | None) -> HttpResponse:
    """``page`` says why; this says it to programs, and when to ask again if that
    helps."""
    page.status_code = 422 if retry_seconds is None else 429
    if retry_seconds is not None:
        page.headers["Retry-After"] = str(retry_seconds)
    return page
