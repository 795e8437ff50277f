from __future__ import annotations

import json
import sys

import pytest
from django.db import connection

from chat.models import Conversation, LimitBucket, Message, Reply, User
from chat.services.jobs.collect import collect, collect_now
from chat.services.jobs.guarded import TRIES
from chat.services.jobs.reconcile import collect_finished
from chat.services.jobs.stop import stop_reply
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


def state(reply: Reply) -> str:
    return Reply.objects.get(pk=reply.pk).state


def test_an_end_is_copied_with_its_text_times_and_counts(
    owner: User, box: Mailbox, sent, worker
) -> None:
    reply = sent(owner)
    claim = worker.claim()
    worker.write(claim, "Hello ")
    worker.finish(claim, "Hello you", precision="fp16")
    collect(str(reply.pk))
    row = Reply.objects.get(pk=reply.pk)
    assert (row.state, row.message.text) == ("done", "Hello you")
    assert (row.prompt_tokens, row.new_tokens, row.worker) == (5, 2, "w")
    assert row.precision == "fp16"
    assert row.queued_at <= row.started_at <= row.first_text_at <= row.finished_at


def test_collecting_twice_changes_nothing(
    owner: User, box: Mailbox, sent, worker
) -> None:
    reply = sent(owner)
    worker.answer("once")
    collect(str(reply.pk))
    Message.objects.filter(pk=reply.pk).update(text="kept")
    collect(str(reply.pk))
    assert Message.objects.get(pk=reply.pk).text == "kept"


def test_the_end_of_an_older_publication_is_not_taken(
    owner: User, box: Mailbox, sent, worker
) -> None:
    reply = sent(owner)
    worker.answer("stale")
    Reply.objects.filter(pk=reply.pk).update(attempt=2)
    collect(str(reply.pk))
    assert state(reply) == "queued"


def test_two_keepers_publish_a_reply_again_once(owner: User, sent) -> None:
    reply = sent(owner)
    one, other = (Reply.objects.with_path().get(pk=reply.pk) for _ in range(2))
    assert one.publish_again()
    assert not other.publish_again()
    assert Reply.objects.get(pk=reply.pk).attempt == 2


def test_a_nul_is_kept_as_a_space(owner: User, box: Mailbox, sent, worker) -> None:
    reply = sent(owner)
    worker.answer("a\x00b")
    collect(str(reply.pk))
    assert Message.objects.get(pk=reply.pk).text == "a b"


def test_held_prompts_go_out_one_after_the_other(
    owner: User, box: Mailbox, sent, worker
) -> None:
    first = sent(owner, "one")
    conversation = first.message.conversation
    second, third = sent(owner, "two", conversation), sent(owner, "3", conversation)
    worker.answer("1")
    collect(str(first.pk))
    assert [state(second), state(third)] == ["queued", "held"]
    assert worker.answer("2").reply == str(second.pk)
    collect(str(second.pk))
    assert state(third) == "queued"


def test_a_failure_keeps_its_code_and_pauses_the_next(
    owner: User, box: Mailbox, sent, worker
) -> None:
    first = sent(owner, "one")
    second = sent(owner, "two", first.message.conversation)
    worker.finish(worker.claim(), "half", wire.Outcome.FAILED)
    collect(str(first.pk))
    row = Reply.objects.get(pk=first.pk)
    assert (row.state, row.error, row.message.text) == ("failed", "model_error", "half")
    assert state(second) == "held"


def test_stopping_in_line_ends_at_once(owner: User, box: Mailbox, sent) -> None:
    reply = sent(owner)
    stop_reply(Reply.objects.with_path().get(pk=reply.pk))
    assert state(reply) == "stopped"
    assert box.waiting("scripted") == 0


def test_stopping_while_running_keeps_the_text_so_far(
    owner: User, box: Mailbox, sent, worker
) -> None:
    reply = sent(owner)
    claim = worker.claim()
    stop_reply(Reply.objects.with_path().get(pk=reply.pk))
    assert state(reply) == "queued"
    assert worker.write(claim, "so far") == "stop"
    worker.finish(claim, "so far", wire.Outcome.STOPPED)
    collect(str(reply.pk))
    row = Reply.objects.get(pk=reply.pk)
    assert (row.state, row.message.text) == ("stopped", "so far")


def test_stopping_a_held_reply_does_not_let_the_next_overtake(
    owner: User, box: Mailbox, sent, worker
) -> None:
    first = sent(owner, "one")
    conversation = first.message.conversation
    second, third = sent(owner, "two", conversation), sent(owner, "3", conversation)
    stop_reply(Reply.objects.with_path().get(pk=second.pk))
    assert [state(first), state(second), state(third)] == ["queued", "stopped", "held"]
    worker.answer("1")
    collect(str(first.pk))
    assert state(third) == "queued"


def test_a_stop_after_the_end_changes_nothing(
    owner: User, box: Mailbox, sent, worker
) -> None:
    reply = sent(owner)
    worker.answer("all of it")
    stop_reply(Reply.objects.with_path().get(pk=reply.pk))
    row = Reply.objects.get(pk=reply.pk)
    assert (row.state, row.message.text) == ("done", "all of it")
    stop_reply(Reply.objects.with_path().get(pk=reply.pk))
    assert state(reply) == "done"


@pytest.mark.skipif(
    connection.vendor != "sqlite" or sys.platform != "linux", reason="syncs by itself"
)
def test_an_end_that_another_collects_is_on_the_disk_before_it_is_shown(
    owner: User, box: Mailbox, sent, worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = sent(owner)
    worker.answer("said")
    with monkeypatch.context() as patched:
        patched.setattr(Mailbox, "mark_collected", lambda *_: None)
        collect(str(reply.pk))
    synced: list[int] = []
    monkeypatch.setattr("os.fdatasync", synced.append)
    assert collect_now(Reply.objects.with_path().get(pk=reply.pk)).state == "done"
    assert len(synced) == 1


def test_replies_that_ended_together_are_collected_and_counted_once_each(
    owner: User, box: Mailbox, sent, worker
) -> None:
    replies = [sent(owner, f"{n}") for n in range(3)]
    held = sent(owner, "next", replies[1].message.conversation)
    for _ in replies:
        worker.answer("said")
    collect_finished()
    assert [state(reply) for reply in replies] == ["done"] * 3
    assert (state(held), box.finished()) == ("queued", [])
    assert box.overview().counts["outcome:done"] == 3


def test_an_end_that_cannot_be_read_stops_none_of_the_others(
    owner: User, box: Mailbox, sent, worker, valkey: Valkey
) -> None:
    replies = [sent(owner, f"{n}") for n in range(3)]
    for _ in replies:
        worker.answer("said")
    bad = replies[1]
    valkey.client.hset(f"mailbox:reply:{bad.pk}", "ending", "[]")
    collect_finished()
    assert [state(reply) for reply in replies] == ["done", "queued", "done"]
    assert collect_now(Reply.objects.with_path().get(pk=bad.pk)).state == "queued"
    assert box.finished() == [str(bad.pk)]
    assert box.overview().counts["outcome:done"] == 2


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the trigger is SQLite's")
def test_an_end_that_the_database_never_takes_fails_its_reply_alone(
    owner: User, box: Mailbox, sent, worker, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = sent(owner, "one"), sent(owner, "two")
    held = sent(owner, "next", bad.message.conversation)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER refuse BEFORE UPDATE ON chat_message "
            "WHEN NEW.text = 'poison' BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    worker.answer("poison")
    worker.answer("said")
    for _ in range(TRIES):
        collect_finished()
        assert state(good) == "done"
    row = Reply.objects.get(pk=bad.pk)
    assert (row.state, row.error, state(held)) == ("failed", "model_error", "held")
    assert (box.finished(), box.overview().counts["outcome:failed"]) == ([], 1)
    assert caplog.text.count("collect failed for") == 1


def test_numbers_and_texts_that_no_column_holds_are_bounded(
    owner: User, box: Mailbox, sent, worker, valkey: Valkey
) -> None:
    reply = sent(owner)
    worker.answer("said")
    key, end = (
        f"mailbox:reply:{reply.pk}",
        {
            "prompt_tokens": 5_000_000_000,
            "new_tokens": 10**30,
            "dropped_turns": -1,
            "cut_tokens": "many",
            "error": "e" * 100,
            "revision": "a\0b" * 100,
            "precision": ["fp16"],
        },
    )
    said = {"ending": json.dumps(end), "worker": "w" * 300, "started": "1e30"}
    valkey.client.hset(key, mapping={**said, "first": "inf"})
    collect_now(Reply.objects.with_path().get(pk=reply.pk))
    row = Reply.objects.get(pk=reply.pk)
    assert (row.state, row.message.text) == ("done", "said")
    most = row.settings["max_new_tokens"]
    assert (row.prompt_tokens, row.new_tokens) == (8192, most)
    assert (row.dropped_turns, row.cut_tokens, row.precision) == (0, 0, "")
    assert (len(row.error), len(row.revision), len(row.worker)) == (40, 100, 200)
    assert (row.started_at, row.first_text_at) == (None, None)


def test_tokens_are_charged_to_whom_the_conversation_belongs_by_now(
    owner: User, box: Mailbox, sent, worker
) -> None:
    reply = sent(owner)
    worker.answer("said")
    read_before = Reply.objects.with_path().get(pk=reply.pk)
    account = User.objects.create_user("ada")
    for rows in (Conversation.objects, Message.objects):
        rows.filter(owner=owner).update(owner=account)
    collect_now(read_before)
    [charged] = LimitBucket.objects.filter(kind="tokens_per_day")
    assert charged.owner == account
