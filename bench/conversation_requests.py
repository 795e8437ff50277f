"""Whole requests for pages that list conversations: see ``bench.conversation_list``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

BACKEND = "django.contrib.auth.backends.ModelBackend"
HTMX = {"HX-Request": "true"}


def requests(owner: Any, *, is_of_kept: bool = False) -> dict[str, Callable[[], Any]]:
    """What the browser of an owner asks for, by what it is; the whole list by default.

    With ``is_of_kept``: what shows only archived or pinned conversations.
    """
    from django.test import Client

    from chat.models import User

    browser = Client()
    browser.force_login(User.objects.get(pk=owner), BACKEND)

    def ask(path: str, headers: dict[str, str] | None = None) -> Callable[[], Any]:
        def answer() -> None:
            got = browser.get(path, headers=headers or {})
            if got.status_code != 200 or not got.content:
                raise RuntimeError(f"{path}: {got.status_code}")

        return answer

    if is_of_kept:
        return {name: ask(path) for name, path in _kept_paths(owner).items()}
    pages = {name: ask(path) for name, path in _paths(owner).items()}
    polls = {name: ask(path, HTMX) for name, path in _script_paths(owner).items()}
    return {**pages, **polls}


def _paths(owner: Any) -> dict[str, str]:
    from chat.services.conversation_list import newest

    part = newest(owner)
    return {
        "/": "/",
        "/c/…/": f"/c/{part.items[0].conversation.pk}/",
        "/history/": "/history/",
        "/history/, second part": f"/history/?before={part.last}",
        "/api/v1/conversations": "/api/v1/conversations",
        "palette without words": "/search/?palette=1",
    }


def _script_paths(owner: Any) -> dict[str, str]:
    """A poll after a change, and the next part, as the script of a page asks."""
    from chat.page.state import PageState, owner_fingerprint
    from chat.services.conversation_list import newest, older

    first = newest(owner).last
    if first is None:
        raise ValueError("the list is empty")
    known = {"v": PageState().version, "o": owner_fingerprint(owner), "n": "", "d": 500}
    one, two = (
        urlencode({**known, "since": str(cursor)})
        for cursor in (first, older(owner, first).last)
    )
    return {
        "poll after a change": f"/poll/?{one}",
        "poll, page of two parts": f"/poll/?{two}",
        "next part, by the script": f"/history/?before={first}&{one}",
    }


def _kept_paths(owner: Any) -> dict[str, str]:
    from chat.services.conversation_list import archived

    return {
        "/archive/": "/archive/",
        "/archive/, second part": f"/archive/?before={archived(owner).last}",
        "/search/?q=in:archive": "/search/?q=in:archive",
        "/search/?q=in:archive talk": "/search/?q=in:archive+talk",
        "/search/?q=in:pinned": "/search/?q=in:pinned",
        "/search/?q=in:pinned talk": "/search/?q=in:pinned+talk",
    }
