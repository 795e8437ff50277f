"""The answer to a message brings it and its reply; all else comes with the next poll."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from chat.models import Message, Reply, User
from chat.services.jobs.collect import collect
from tests.chat.conftest import Worker
from tests.chat.pages import form_data, known, poll_url
from tests.dom import dom

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


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


@pytest.mark.parametrize("has_other_version", [False, True])
def test_a_message_looks_as_on_the_page(
    tab: Client, answered: str, *, has_other_version: bool
) -> None:
    page = tab.get(answered)
    if has_other_version:
        leaf = Message.objects.get(text="eins")
        Message.objects.create(
            conversation=leaf.conversation, owner=leaf.owner, parent=leaf, role="user"
        )
    answer = dom(say(tab, page, answered, "two"))
    said = f'[id="message-{Message.objects.get(text="two").pk}"]'
    on_page = dom(tab.get(answered)).one(said).html
    assert TOKEN.sub("", answer.one(said).html) == TOKEN.sub("", on_page)
    assert ("2/2" in answer.one(said).text) is has_other_version


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
