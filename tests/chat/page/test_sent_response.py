"""The answer to a message brings it and its reply; all else comes with the next poll."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from chat.models import Reply, User
from chat.services.jobs.collect import collect
from tests.chat.conftest import Worker
from tests.chat.pages import form_data, known, poll_url
from tests.dom import dom

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def answered(owner: User, worker: Worker, sent: Any) -> str:
    """The address of a conversation whose reply has ended."""
    worker.announce()
    reply: Reply = sent(owner, "one")
    worker.answer("eins")
    collect(str(reply.pk))
    return f"/c/{reply.message.conversation_id}/"


def say(tab: Client, page: Any, url: str, text: str) -> Any:
    return tab.post(f"{url}send/", form_data(page, text), headers=HTMX)


def test_the_list_follows_with_the_next_poll(
    tab: Client, answered: str, owner: User, sent: Any
) -> None:
    sent(owner, "another conversation")
    page = tab.get(answered)
    answer = say(tab, page, answered, "two")
    assert "#conversations" not in dom(answer)
    assert "two" in answer.content.decode()
    poll = tab.get(poll_url(answer), headers=HTMX)
    assert dom(poll).all("#conversations a[href]")[0]["href"] == answered
    assert "#messages" not in dom(poll)
    assert dict(known(poll))["leaf"] == dict(known(answer))["leaf"]
    # And then the page knows all.
    again = tab.get(poll_url(poll), headers=HTMX)
    assert "#conversations" not in dom(again)


def test_a_page_that_lacks_a_message_gets_that_one_too(
    tab: Client, answered: str, worker: Worker
) -> None:
    page = tab.get(answered)
    elsewhere = tab.get(answered)
    other = say(tab, elsewhere, answered, "from elsewhere")
    reply = dict(known(other))["r"].partition(":")[0]
    worker.answer("zwei")
    collect(reply)
    answer = say(tab, page, answered, "from here").content.decode()
    assert answer.index("from elsewhere") < answer.index("zwei")
    assert answer.index("zwei") < answer.index("from here")


def test_a_message_that_is_sent_again_is_answered_in_full(
    tab: Client, answered: str
) -> None:
    page = tab.get(answered)
    data = form_data(page, "two")
    first = tab.post(f"{answered}send/", data, headers=HTMX)
    again = tab.post(f"{answered}send/", data, headers=HTMX)
    assert "#conversations" in dom(again)
    assert dict(known(again))["leaf"] == dict(known(first))["leaf"]
