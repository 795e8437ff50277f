"""Every text of the pages of shared links went through gettext."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from chat.models import Conversation, Message, Reply, User
from chat.services.sharing.links import make_link
from chatsite.mailbox import Mailbox
from tests.chat.conversation_data import long_conversation
from tests.chat.wording.pseudo_language import spoken
from tests.chat.wording.pseudo_pages import NAMES, check

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _pseudo() -> Iterator[None]:
    with spoken():
        yield


def test_sharing(tab: Client, owner: User, box: Mailbox, settings: Any) -> None:
    check(tab.get("/shared/"))
    talk = long_conversation(owner, 8)
    Conversation.objects.update(title="1 + 1")
    Message.objects.update(text="2 + 2")
    for state, reply in zip(("stopped", "failed"), Reply.objects.all(), strict=False):
        Reply.objects.filter(pk=reply.pk).update(state=state, origin="edited")
    share = f"/c/{talk.pk}/share/"
    check(tab.get(share))
    check(tab.post(share, {"expiry": "date"}), 422)
    settings.MESSAGES_SHOWN = 6
    link = make_link(talk, has_details=True)
    for note in ("made", "renewed", "moved", "revoked"):
        check(tab.get(f"/shared/?{note}"))
    check(tab.get(share))
    page = f"/s/{link.secret}/"
    names = (*NAMES, "scripted")
    check(Client().get(page), names=names)
    check(Client().get(f"{page}?page=2"), names=names)
    settings.GUEST_MESSAGES_PER_DAY = 1
    second = make_link(talk)
    for shared in (link, second):
        answer = tab.post(f"/s/{shared.secret}/continue/")
    check(answer, 429, names=names)
    settings.SHARED_MAX_CHARACTERS = 1
    check(tab.post(f"/shared/{link.pk}/renew/"), 422)
    settings.SHARING = "off"
    check(tab.get("/shared/"))
