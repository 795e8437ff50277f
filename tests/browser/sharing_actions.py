"""Sharing a conversation at once, where another thing is tested than the form."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.dom import dom

HIDDEN = "csrfmiddlewaretoken", "id"


def share(page: Page, conversation: str, **typed: str) -> str:
    """The path of a new link to a conversation of this browser."""
    path = f"/c/{conversation}/share/"
    form = dom(page.request.get(path).text())
    given = {name: form.first(f"form.stack [name={name}]")["value"] for name in HIDDEN}
    answer = page.request.post(path, form={**given, "expiry": "never", **typed})
    assert answer.ok
    [address, *_] = dom(answer.text()).values(".shared-link input[readonly]", "value")
    return urlsplit(address).path


def conversation_of(page: Page) -> str:
    """The id of the conversation that a page shows."""
    found = re.search(r"/c/([0-9a-f-]{36})/", page.url)
    assert found, page.url
    return found[1]
