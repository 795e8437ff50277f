from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from chat.models import User
from chat.services.jobs.collect import collect
from chat.services.jobs.publish import publish
from chat.services.jobs.request import STEP_TURNS, request_for, turns_to_drop
from chat.services.jobs.stop import stop_reply
from chatsite import wire
from chatsite.mailbox import Mailbox


def test_turns_are_dropped_in_big_steps() -> None:
    drops = [turns_to_drop([10] * n, 100) for n in range(1, 28)]
    assert drops[:10] == [0] * 10
    assert set(drops) == {0, STEP_TURNS, 2 * STEP_TURNS, 3 * STEP_TURNS}


@given(st.lists(st.integers(0, 500), min_size=1, max_size=60), st.integers(1, 2000))
def test_what_stays_fits_or_is_the_newest_alone(lengths: list[int], limit: int) -> None:
    dropped = turns_to_drop(lengths, limit)
    assert 0 <= dropped < len(lengths)
    assert sum(lengths[dropped:]) <= limit or dropped == len(lengths) - 1


@pytest.mark.django_db
def test_prompts_without_an_answer_are_left_out_but_the_newest(
    owner: User, box: Mailbox, sent, worker
) -> None:
    first = sent(owner, "one")
    collect(worker.answer("first").reply)
    conversation = first.message.conversation
    stop_reply(sent(owner, "failed", conversation))
    conversation.refresh_from_db()
    third = sent(owner, "three", conversation)
    texts = [turn.text for turn in request_for(third).turns]
    assert texts == ["one", "first", "three"]


@pytest.mark.django_db
def test_the_request_holds_the_path_and_the_settings_as_used(
    owner: User, box: Mailbox, sent, worker
) -> None:
    first = sent(owner, "one")
    worker.answer("answer one")
    collect(str(first.pk))
    second = sent(owner, "two", first.message.conversation)
    request = wire.Request.from_json(worker.claim().request)
    assert request == request_for(second)
    assert [(t.role, t.text) for t in request.turns] == [
        ("user", "one"),
        ("assistant", "answer one"),
        ("user", "two"),
    ]
    assert request.settings.seed == second.seed


@pytest.mark.django_db
def test_a_row_with_a_retired_setting_is_published_and_answered(
    owner: User, box: Mailbox, sent, worker
) -> None:
    reply = sent(owner, "one")
    reply.settings = {**reply.settings, "mirostat": 2}
    reply.save(update_fields=["settings"])
    box.erase([str(reply.pk)])
    assert reply.publish_again()
    assert publish(reply)
    collect(worker.answer("answer").reply)
    reply.refresh_from_db()
    assert (reply.state, reply.message.text) == (wire.State.DONE, "answer")


@pytest.mark.django_db
def test_texts_behind_a_long_message_without_an_answer_are_sent(
    owner: User, box: Mailbox, sent, worker, settings: Settings
) -> None:
    settings.REQUEST_MAX_CHARACTERS = 100
    first = sent(owner, "one")
    collect(worker.answer("first").reply)
    conversation = first.message.conversation
    stop_reply(sent(owner, "x" * 200, conversation))
    conversation.refresh_from_db()
    third = sent(owner, "three", conversation)
    request = request_for(third)
    assert [turn.text for turn in request.turns] == ["one", "first", "three"]
    assert request.dropped_turns == 0
