from __future__ import annotations

import uuid

import pytest
from django.test import Client

from chat.models import Reply, User
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import form_data, known, text_of
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def stop(tab: Client, reply: Reply):
    """Press Stop as the script of the conversation's page does."""
    page = tab.get(f"/c/{reply.message.conversation_id}/")
    return tab.post(f"/r/{reply.pk}/stop/", form_data(page, ""), headers=HTMX)


def test_a_reply_in_line_leaves_it(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    worker.announce(free=0)
    answer = stop(tab, reply)
    assert "Stopped" in text_of(answer)
    assert "The reply was stopped." in text_of(answer)
    assert not [value for name, value in known(answer) if name == "r"]
    assert Reply.objects.get().state == "stopped"


def test_a_running_reply_is_told_to_stop_and_keeps_its_text(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    claim = worker.claim()
    assert "Stopping…" in text_of(stop(tab, reply))
    assert worker.write(claim, "So far") == "stop"


def test_a_held_reply_is_taken_back(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    first = sent(owner, "one")
    second = sent(owner, "two", conversation=first.message.conversation)
    assert "Stopped" in text_of(stop(tab, second))
    assert Reply.objects.get(pk=second.pk).state == "stopped"


def test_without_javascript_it_leads_back_to_the_conversation(
    tab: Client, owner: User, box: Mailbox, sent
) -> None:
    reply = sent(owner)
    answer = tab.post(f"/r/{reply.pk}/stop/")
    assert answer.status_code == 303
    page = tab.get(answer.headers["Location"])
    assert "Stopped" in text_of(page)


def test_stopping_twice_or_too_late_changes_nothing(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    worker.answer("All of it")
    for _ in range(2):
        assert stop(tab, reply).status_code == 200
    assert Reply.objects.get().state == "done"


def test_nobody_stops_another_persons_reply(
    owner: User, client_of, worker: Worker, sent
) -> None:
    reply = sent(owner)
    stranger = client_of(User.objects.guest(uuid.uuid4()))
    assert stranger.post(f"/r/{reply.pk}/stop/").status_code == 404
    assert Client().post(f"/r/{reply.pk}/stop/").status_code == 404
    assert stranger.get(f"/r/{reply.pk}/stop/").status_code == 405
    assert Reply.objects.get().stop_requested_at is None


def test_without_redis_the_wish_is_kept(
    tab: Client, owner: User, valkey: Valkey, sent
) -> None:
    reply = sent(owner)
    valkey.stop()
    try:
        answer = stop(tab, reply)
        assert "Stopping once the connection is back…" in text_of(answer)
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    assert Reply.objects.get().stop_requested_at is not None
