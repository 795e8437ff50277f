"""How much Django's templates have to do for a page does not grow with what it shows.

Each node takes some ten microseconds of a web process, which all people share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.template.base import Node
from django.test import Client
from django.urls import reverse

from chat.models import User
from chatsite.mailbox import open_mailbox
from tests.chat.conversation_data import long_conversation, make_conversations
from tests.chat.pages import poll_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def nodes_of(
    tab: Client, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], int]]:
    """Counts the nodes that a page renders once all its variants were rendered."""
    counted = 0
    render = Node.render_annotated

    def count(self: Node, context) -> str:
        nonlocal counted
        counted += 1
        return render(self, context)

    def nodes(url: str) -> int:
        nonlocal counted
        tab.get(url)
        counted = 0
        with monkeypatch.context() as patched:
            patched.setattr(Node, "render_annotated", count)
            assert tab.get(url).status_code == 200
        assert counted > 0
        return counted

    return nodes


def test_of_a_longer_list(
    tab: Client, owner: User, nodes_of: Callable[[str], int]
) -> None:
    make_conversations(owner, 2)
    page = tab.get("/")

    def each() -> list[int]:
        open_mailbox().touch(str(owner.pk))
        return [nodes_of(url) for url in ("/", "/history/", poll_url(page))]

    few = each()
    make_conversations(owner, 40, hours=24)
    assert each() == few


def test_of_a_longer_conversation(owner: User, nodes_of: Callable[[str], int]) -> None:
    short, long = long_conversation(owner, 2), long_conversation(owner, 24)
    few, many = (
        nodes_of(reverse("conversation", args=[one.pk])) for one in (short, long)
    )
    assert many == few
