"""A reply that was cut off goes on."""

from __future__ import annotations

import pytest
from django.test import Client

from chat.models import Message, Reply, User
from chat.services import held_messages, reply_versions
from chat.services.errors import MessageRefused
from chat.services.jobs.collect import collect
from chat.services.jobs.request import request_for
from chat.services.jobs.stop import stop_reply
from chatsite import wire
from chatsite.mailbox import open_mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import poll_url, text_of
from tests.chat.services.version_actions import collected, texts
from tests.dom import dom

pytestmark = pytest.mark.django_db


def test_a_reply_cut_by_its_limit_goes_on_where_it_ended(
    owner: User, worker: Worker, sent, committed
) -> None:
    cut = collected(worker, sent(owner, "one"), "The cat sa", is_length_limited=True)
    with committed():
        fresh = reply_versions.resume(cut)
    request = request_for(fresh)
    assert request.turns[-1] == wire.Turn(wire.Role.ASSISTANT, "The cat sa")
    assert request.settings.seed == cut.seed
    again = collected(worker, fresh, "t.", is_length_limited=True)
    assert texts(cut) == ["one", "The cat sat."]
    with committed():
        third = reply_versions.resume(again)
    assert request_for(third).turns[-1].text == "The cat sat."
    whole = collected(worker, third, " It sleeps.")
    assert texts(cut) == ["one", "The cat sat. It sleeps."]
    assert request_for(reply_versions.repeat(whole)) == request_for(whole)


def test_a_reply_that_went_on_and_failed_keeps_what_there_was(
    owner: User, worker: Worker, sent, committed
) -> None:
    cut = collected(worker, sent(owner, "one"), "The cat sa", is_length_limited=True)
    with committed():
        fresh = reply_versions.resume(cut)
    worker.finish(worker.claim(), "", wire.Outcome.FAILED)
    collect(str(fresh.pk))
    assert texts(cut) == ["one", "The cat sa"]


def test_a_whole_reply_does_not_go_on(done: Reply) -> None:
    assert reply_versions.resume(done) == done
    assert Reply.objects.count() == 1


def test_a_stopped_one_goes_on_from_where_it_was_stopped(
    owner: User, worker: Worker, sent, committed
) -> None:
    reply = sent(owner, "one")
    claim = worker.claim()
    worker.write(claim, "So far")
    stop_reply(reply)
    worker.finish(claim, "So far", wire.Outcome.STOPPED)
    collect(str(reply.pk))
    stopped = Reply.objects.with_path().get(pk=reply.pk)
    with committed():
        fresh = reply_versions.resume(stopped)
    assert fresh.continued_characters == len("So far")
    assert Message.objects.get(pk=fresh.pk).text == "So far"


def test_what_was_answered_before_keeps_its_text(
    owner: User, worker: Worker, sent, committed
) -> None:
    first = collected(worker, sent(owner, "one"), "eins")
    second = sent(owner, "two", first.message.conversation)
    worker.finish(worker.claim(), "Half", wire.Outcome.FAILED)
    collect(str(second.pk))
    second = Reply.objects.with_path().get(pk=second.pk)
    Reply.objects.filter(pk=first.pk).update(state="queued")  # it is to come again
    with committed():
        fresh = reply_versions.vary(second)
    assert fresh.state == "held"
    with pytest.raises(MessageRefused, match="already has another reply"):
        held_messages.edit(fresh, "another two")
    held_messages.remove(fresh)
    assert texts(second) == ["one", "eins", "two", "Half"]


def test_while_the_queue_is_away_a_reply_that_goes_on_repeats_nothing(
    tab: Client, owner: User, worker: Worker, sent, committed
) -> None:
    cut = collected(worker, sent(owner, "one"), "The cat sa", is_length_limited=True)
    with committed():
        reply_versions.resume(cut)
    page = tab.get(f"/c/{cut.message.conversation_id}/")
    open_mailbox().connection.client.flushall()
    answer = dom(text_of(tab.get(poll_url(page))))
    assert "Reconnecting" in answer.text
    assert "The cat sa" not in answer.text
    again = dom(text_of(tab.get(f"/c/{cut.message.conversation_id}/")))
    assert again.text.count("The cat sa") == 1
