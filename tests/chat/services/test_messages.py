from __future__ import annotations

import json
import threading
import uuid

import pytest
from django.core.serializers import serialize
from django.db import connection
from django.db.models import Model

from chat.models import Conversation, Message, Reply, User
from chat.services.jobs import collect
from chat.services.message_text import clean_text
from chat.services.messages import MessageRefused, send_message
from chatsite.mailbox import Mailbox
from tests import log_leaks
from tests.chat.conftest import Worker

pytestmark = pytest.mark.django_db


def test_a_prompt_becomes_two_messages_a_row_and_a_place_in_line(
    owner: User, box: Mailbox, sent
) -> None:
    reply = sent(owner, "  Hello\r\nthere  ")
    conversation = reply.message.conversation
    assert [m.text for m in conversation.path()] == ["  Hello\nthere", ""]
    assert conversation.title == "Hello there"
    assert (reply.state, reply.attempt) == ("queued", 1)
    [entry] = box.publications([str(reply.pk)])
    assert entry.attempt == 1


def test_every_field_of_what_was_sent_is_read_again_as_it_was(
    owner: User, box: Mailbox, sent
) -> None:
    first = sent(owner, "Hello")
    reply = sent(owner, "with a % and 'quotes'", first.message.conversation)
    message, conversation = reply.message, reply.message.conversation
    for saved in (first, reply, message, message.parent, conversation):
        read = type(saved).objects.get(pk=saved.pk)
        assert as_data(read) == as_data(saved)


def test_after_a_test_its_logs_are_searched_for_what_was_sent(
    owner: User, box: Mailbox, sent
) -> None:
    sent(owner, "Nothing to log")
    with pytest.raises(AssertionError):
        log_leaks.assert_no_leak("a log with 'Nothing to log' in it")


def as_data(row: Model) -> object:
    return json.loads(serialize("json", [row]))


def test_the_same_key_and_text_give_the_same_reply(
    owner: User, box: Mailbox, sent
) -> None:
    first = sent(owner, "once", key="k")
    assert sent(owner, "once", key="k").pk == first.pk
    assert Message.objects.count() == 2


def test_the_same_key_with_another_text_is_refused(
    owner: User, box: Mailbox, sent
) -> None:
    sent(owner, "once", key="k")
    with pytest.raises(MessageRefused) as refused:
        sent(owner, "other", key="k")
    assert refused.value.code == "key_reused"


def test_two_people_may_use_the_same_key(owner: User, box: Mailbox, sent) -> None:
    other = User.objects.guest(uuid.uuid4())
    assert sent(owner, "hi", key="k").pk != sent(other, "hi", key="k").pk


@pytest.mark.parametrize("text", ["", " \n\t ", "\x00\x01", "\r\n"])
def test_a_blank_prompt_is_refused(text: str) -> None:
    with pytest.raises(MessageRefused) as refused:
        clean_text(text)
    assert refused.value.code == "blank"


def test_the_longest_prompt_is_accepted_and_one_more_character_is_not() -> None:
    assert len(clean_text("é" * 8000)) == 8000
    assert len(clean_text("a\r\n" * 3999 + "bc")) == 8000
    with pytest.raises(MessageRefused) as refused:
        clean_text("é" * 8001)
    assert refused.value.code == "too_long"
    assert "8,001" in refused.value.message


def test_controls_and_lone_surrogates_do_not_reach_the_database(
    owner: User, box: Mailbox, sent
) -> None:
    reply = sent(owner, "a\x00b\x1b[31m\ud800c\td")
    prompt = Message.objects.get(pk=reply.message.parent_id)
    assert prompt.text == "a b [31m?c\td"


def test_a_second_prompt_is_held_while_the_first_is_unfinished(
    owner: User, box: Mailbox, sent
) -> None:
    first = sent(owner, "one")
    second = sent(owner, "two", first.message.conversation)
    third = sent(owner, "three", first.message.conversation)
    assert [first.state, second.state, third.state] == ["queued", "held", "held"]
    assert box.waiting("scripted") == 1
    assert [m.text for m in first.message.conversation.path(third.pk)][::2] == [
        "one",
        "two",
        "three",
    ]


def test_another_conversation_is_not_held(owner: User, box: Mailbox, sent) -> None:
    sent(owner, "one")
    assert sent(owner, "elsewhere").state == "queued"


@pytest.mark.django_db(transaction=True)
def test_twenty_concurrent_sends_of_one_key_make_one_message(
    owner: User, box: Mailbox
) -> None:
    replies: set[uuid.UUID] = set()
    errors: list[BaseException] = []

    def send_it() -> None:
        try:
            replies.add(send_message(owner, "double Enter", "k").pk)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send_it) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(replies) == 1
    assert (Conversation.objects.count(), Message.objects.count()) == (1, 2)
    assert Reply.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_prompts_to_one_conversation_line_up(
    owner: User, box: Mailbox
) -> None:
    conversation = send_message(owner, "first", "k0").message.conversation

    def send_it(i: int) -> None:
        try:
            send_message(owner, f"more {i}", f"k{i}", conversation)
        finally:
            connection.close()

    threads = [threading.Thread(target=send_it, args=[i]) for i in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    conversation.refresh_from_db()
    assert len(conversation.path()) == 18
    assert Reply.objects.queued().count() == 1


def test_a_message_that_replaces_another_takes_the_replies_behind_it_out_of_line(
    owner: User, box: Mailbox, worker: Worker, sent
) -> None:
    first = sent(owner, "one")
    talk = first.message.conversation
    worker.finish(worker.claim(), "First")
    collect.collect(str(first.pk))
    waiting, held = sent(owner, "two", talk), sent(owner, "three", talk)
    edited = sent(owner, "2", talk, instead_of=waiting.message.parent)
    for reply, state in ((waiting, "stopped"), (held, "stopped"), (edited, "queued")):
        reply.refresh_from_db()
        assert reply.state == state
    assert worker.claim().reply == str(edited.pk)
    assert [m.text for m in talk.path(held.pk)][-2:] == ["three", ""]


def test_a_reply_that_is_being_written_stops_where_its_message_is_replaced(
    owner: User, box: Mailbox, worker: Worker, sent
) -> None:
    old = sent(owner, "one")
    claim = worker.claim()
    worker.write(claim, "Some text")
    sent(owner, "1", old.message.conversation, instead_of=old.message.parent)
    assert worker.write(claim, "", offset=9) == "stop"
