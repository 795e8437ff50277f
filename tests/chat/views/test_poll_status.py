"""What a poll says of a reply that waits or failed."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from chat.models import Reply, User
from chat.services.jobs.stop import stop_reply
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import poll_url, text_of
from tests.chat.views.poll_requests import page_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


def test_the_line_tells_how_many_are_ahead(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    worker.announce(free=0)
    sent(User.objects.guest(uuid.uuid4()), "hi")
    page = page_of(tab, sent(owner))
    assert "1ahead of you" in dom(tab.get(poll_url(page))).text


def test_the_line_tells_how_long_it_will_take(
    tab: Client, owner: User, box: Mailbox, sent
) -> None:
    box.announce(
        wire.Announcement(
            *("w", "scripted", "Scripted", wire.Stage.READY),
            rows=4,
            tokens_per_second=10.0,
            tokens_per_reply=120.0,
        )
    )
    page = page_of(tab, sent(owner))
    ticket = dom(tab.get(poll_url(page))).one(".ticket")
    assert "Starts in " in ticket.text


@pytest.mark.parametrize(
    ("stage", "progress", "words"),
    [
        (None, None, "is offline"),
        (wire.Stage.LOADING, None, "is loading"),
        (wire.Stage.BROKEN, None, "Scripted replies cannot be loaded"),
        (wire.Stage.FETCHING, 0.43, "Downloading Scripted replies: 43%"),
    ],
)
def test_a_waiting_reply_says_what_it_waits_for(
    stage, progress, words, tab: Client, owner: User, box: Mailbox, sent
) -> None:
    if stage:
        box.announce(
            wire.Announcement("w", "scripted", "Scripted", stage, progress=progress)
        )
    answer = tab.get(poll_url(page_of(tab, sent(owner))))
    assert words in text_of(answer)


def test_a_stop_asked_for_elsewhere_shows(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    worker.claim()
    page = page_of(tab, reply)
    stop_reply(Reply.objects.with_path().get(pk=reply.pk))
    assert "Stopping…" in text_of(tab.get(poll_url(page)))


@pytest.mark.parametrize("code", list(wire.ErrorCode))
def test_a_failure_says_why_in_words(
    code: wire.ErrorCode, tab: Client, owner: User, worker, box: Mailbox, sent
) -> None:
    reply = sent(owner)
    page = page_of(tab, reply)
    claim = worker.claim()
    ending = wire.Ending(wire.Outcome.FAILED, code, detail="CUDA: 0xdead")
    box.finish((claim.reply, claim.token, 0, "", 0), ending)
    answer = tab.get(poll_url(page))
    text = text_of(answer)
    assert ".note.fail" in dom(answer)
    assert "0xdead" not in text
    assert code.value not in text
