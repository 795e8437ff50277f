"""Rewritten replies: another version, which later messages follow."""

from __future__ import annotations

import pytest

from chat.models import Reply, Sample, User
from chat.services.errors import MessageRefused
from chat.services.feedback import rate, rating_totals
from chat.services.jobs.request import request_for
from chat.services.operation.samples import take_samples
from chat.services.reply_versions import choose
from chat.services.rewrite import rewrite
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.services.version_actions import collected, texts

pytestmark = pytest.mark.django_db


def test_what_follows_a_reply_follows_its_new_version(
    owner: User, worker: Worker, sent, done: Reply
) -> None:
    second = collected(worker, sent(owner, "two", done.message.conversation), "second")
    new = rewrite(done, "mine\r\n")
    assert texts(new) == ["one", "mine", "two", "second"]
    assert (new.origin, new.state, new.model) == ("edited", "done", done.model)
    assert (new.new_tokens, new.seconds) == (None, None)
    third = sent(owner, "three", done.message.conversation)
    said = [turn.text for turn in request_for(third).turns]
    assert said == ["one", "mine", "two", "second", "three"]
    # The version of the model stays reachable.
    choose(done.message)
    assert texts(second) == ["one", "first"]


def test_the_last_reply_of_a_conversation_is_rewritten(done: Reply) -> None:
    assert texts(rewrite(done, "mine")) == ["one", "mine"]


def test_the_same_text_makes_no_version(done: Reply) -> None:
    assert rewrite(done, "first").pk == done.pk
    assert Reply.objects.count() == 1


@pytest.mark.parametrize(("text", "code"), [("  ", "blank"), ("long", "too_long")])
def test_a_text_that_no_message_could_have_is_refused(
    done: Reply, settings, text: str, code: str
) -> None:
    settings.MESSAGE_MAX_CHARACTERS = 3
    with pytest.raises(MessageRefused) as refused:
        rewrite(done, text)
    assert refused.value.code == code


def test_an_unfinished_reply_is_not_rewritten(owner: User, sent) -> None:
    with pytest.raises(MessageRefused) as refused:
        rewrite(sent(owner), "mine")
    assert refused.value.code == "unfinished"


def test_messages_behind_a_failed_reply_go_on_once_it_is_rewritten(
    owner: User, worker: Worker, sent, committed
) -> None:
    failed = sent(owner, "one")
    held = sent(owner, "two", failed.message.conversation)
    failed = collected(worker, failed, "Half", outcome=wire.Outcome.FAILED)
    held.refresh_from_db()
    assert held.state == "held"
    with committed():
        rewrite(failed, "mine")
    held.refresh_from_db()
    assert held.state == "queued"


def test_it_counts_for_nothing(done: Reply, box: Mailbox) -> None:
    rate(rewrite(done, "mine"), "up")
    assert rating_totals() == []
    Reply.objects.filter(origin="generated").delete()
    take_samples()
    assert sum(sample.done for sample in Sample.objects.all()) == 0
