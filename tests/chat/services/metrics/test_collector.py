"""What the site measures of its queue, its workers and its replies."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from chat.keeper import Keeper
from chat.models import Reply, User
from chat.services.feedback import rate
from chat.services.jobs.collect import collect
from chat.services.metrics.exposition import exposition
from chat.services.sharing.links import make_link
from chatsite import wire
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conftest import Worker
from tests.chat.conversation_data import long_conversation
from tests.chatsite.mailbox_calls import claim, enqueue
from tests.valkey import Valkey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


def scrape() -> dict[str, float]:
    """Every sample by its name and labels, as the strict parser reads it."""
    text, _ = exposition(OPEN_METRICS)
    return {
        "".join((sample.name, *(f" {v}" for v in sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def announcement(name: str = "w", **more: object) -> wire.Announcement:
    known = {"rows": 4, "free": 4, "tokens_per_second": 7.5, **more}
    return wire.Announcement(name, "m", "M", wire.Stage.READY, **known)  # type: ignore[arg-type]


def test_a_line_is_measured_by_what_waits_runs_and_serves(box: Mailbox) -> None:
    box.announce(announcement("a"))
    box.announce(announcement("b", rows=2))
    for _ in range(3):
        enqueue(box, str(uuid.uuid4()))
    claim(box)
    seen = scrape()
    assert seen["chatsite_replies_waiting m"] == 2
    assert seen["chatsite_replies_running m"] == 1
    assert seen["chatsite_slots m"] == 6
    assert seen["chatsite_worker_tokens_per_second m"] == 15
    assert seen["chatsite_workers m ready"] == 2
    assert 0 <= seen["chatsite_oldest_wait_seconds m"] < 60


def test_the_oldest_wait_is_that_of_whoever_came_first(box: Mailbox) -> None:
    enqueue(box, "first", cost=900.0)
    box.connection.command("HSET", "mailbox:reply:first", "queued", 1)
    enqueue(box, "second", "bob", cost=1.0)
    assert box.first_in_line("m", 1) == ["second"]
    assert box.overview().models[0].oldest_seconds > 1e9


def test_the_keeper_is_as_old_as_its_last_sweep(box: Mailbox) -> None:
    assert scrape()["chatsite_keeper_sweep_age_seconds"] == float("inf")
    Keeper().sweep()
    assert 0 <= scrape()["chatsite_keeper_sweep_age_seconds"] < 30
    # As a keeper of the release before writes it.
    box.connection.command("SET", "mailbox:keeper", "swept")
    assert scrape()["chatsite_keeper_sweep_age_seconds"] == float("inf")


def test_each_reply_counts_once_however_often_it_is_collected(
    owner: User, worker: Worker, sent: Callable[..., Reply]
) -> None:
    assert scrape()["chatsite_replies_total done"] == 0
    for outcome in (wire.Outcome.DONE, wire.Outcome.DONE, wire.Outcome.FAILED):
        sent(owner, "hello")
        taken = worker.claim()
        worker.write(taken, "two words")
        worker.finish(taken, "two words", outcome)
        collect(taken.reply)
        collect(taken.reply)
    seen = scrape()
    assert seen["chatsite_replies_total done"] == 2
    assert seen["chatsite_replies_total failed"] == 1
    assert seen["chatsite_replies_failed_total model_error"] == 1
    assert seen["chatsite_tokens_total prompt"] == 15
    assert seen["chatsite_tokens_total reply"] == 6
    assert seen["chatsite_time_to_first_text_seconds_count"] == 3
    assert seen["chatsite_time_to_first_text_seconds_bucket 1800.0"] == 3


def test_a_lost_worker_is_counted(box: Mailbox) -> None:
    enqueue(box, "lost")
    claim(box, lease_seconds=0)
    box.take_back(3)
    assert scrape()["chatsite_replies_lost_total"] == 1


def test_while_redis_is_away_that_alone_is_said_of_the_queue(valkey: Valkey) -> None:
    valkey.stop()
    try:
        seen = scrape()
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    assert seen["chatsite_mailbox_up"] == 0
    assert not any(name.startswith("chatsite_replies") for name in seen)


def test_shared_links_are_counted_that_open(owner: User, settings: Any) -> None:
    link = make_link(long_conversation(owner, 2))
    make_link(link.conversation, expires_at=link.frozen_at)
    assert scrape()["chatsite_shared_links"] == 1
    settings.SHARING = "off"
    assert scrape()["chatsite_shared_links"] == 0


def test_ratings_are_counted_by_model_and_have_no_text(
    owner: User, worker: Worker, sent: Callable[..., Reply]
) -> None:
    reply = sent(owner)
    worker.answer("All of it")
    collect(str(reply.pk))
    rate(Reply.objects.with_path().get(pk=reply.pk), "down", "Nothing but yzzyva")
    seen = scrape()
    assert seen["chatsite_rated_replies scripted up"] == 0
    assert seen["chatsite_rated_replies scripted down"] == 1
    assert b"yzzyva" not in exposition(OPEN_METRICS)[0]
