"""The minutes that the keeper notes, and what the last day makes of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from chat.keeper import Keeper
from chat.models import Reply, Sample, User
from chat.services.operation.history import STEPS, last_day, percentile
from chat.services.operation.samples import MINUTE, WAITS_KEPT, _spread, take_samples
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.services.version_actions import collected
from tests.chatsite.mailbox_calls import enqueue

pytestmark = pytest.mark.django_db


def end_in_last_minute(reply: Reply, seconds_waited: float, **fields: object) -> None:
    """Move the end of a reply into the last whole minute."""
    minute = timezone.now().replace(second=0, microsecond=0) - timedelta(seconds=30)
    Reply.objects.filter(pk=reply.pk).update(
        queued_at=minute - timedelta(seconds=seconds_waited),
        started_at=minute,
        finished_at=minute,
        **fields,
    )


def test_a_minute_has_what_waits_runs_and_ended(
    owner: User, worker: Worker, box: Mailbox, sent: Callable[..., Reply]
) -> None:
    for seconds in (4.0, 8.0):
        reply = collected(worker, sent(owner, "hello"), "words")
        end_in_last_minute(reply, seconds, prompt_tokens=10, new_tokens=5)
    worker.announce()
    sent(owner, "waits")
    take_samples()
    sample = Sample.objects.get(model="scripted")
    assert (sample.waiting, sample.running, sample.slots) == (1, 0, 1)
    assert (sample.done, sample.failed, sample.tokens) == (2, 0, 30)
    assert (sample.people, sample.waits) == (1, [4.0, 8.0])


def test_a_minute_is_noted_once_and_an_idle_one_not_at_all(box: Mailbox) -> None:
    take_samples()
    assert not Sample.objects.exists()
    enqueue(box, "waits")
    take_samples()
    take_samples()
    Keeper().sweep()
    assert Sample.objects.count() == 1


def test_after_an_outage_the_minutes_are_made_up(
    owner: User, worker: Worker, sent: Callable[..., Reply]
) -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    Sample.objects.create(at=now - timedelta(days=1), model="scripted")
    reply = collected(worker, sent(owner, "hello"), "words")
    ended = now - timedelta(minutes=5, seconds=30)
    Reply.objects.filter(pk=reply.pk).update(finished_at=ended)
    take_samples()
    made_up = Sample.objects.get(at=now - timedelta(minutes=5))
    assert (made_up.done, made_up.slots) == (1, 0)


def test_old_minutes_are_removed(box: Mailbox, settings: LazySettings) -> None:
    settings.HISTORY_DAYS = 2
    now = timezone.now().replace(second=0, microsecond=0)
    for days in (1, 3):
        Sample.objects.create(at=now - timedelta(days=days), model="m")
    enqueue(box, "waits")
    take_samples()
    assert not Sample.objects.filter(at__lt=now - timedelta(days=2)).exists()
    assert Sample.objects.count() == 2


def test_many_waits_are_kept_by_a_few_that_are_spread_evenly() -> None:
    waits = [float(n) for n in range(1001)]
    kept = _spread(waits[::-1])
    assert len(kept) == WAITS_KEPT
    assert (kept[0], kept[-1]) == (0.0, 1000.0)
    assert kept[len(kept) // 2] == pytest.approx(500, abs=40)


def test_the_last_day_adds_up_models_and_weighs_waits_by_replies() -> None:
    now = timezone.now()
    Sample.objects.create(
        at=now - MINUTE, model="a", done=9, people=2, tokens=1800, waits=[1.0]
    )
    Sample.objects.create(
        at=now - MINUTE, model="b", done=1, failed=0, people=1, waits=[60.0]
    )
    Sample.objects.create(at=now - timedelta(days=2), model="a", done=5)
    steps = last_day(now)
    assert len(steps) == STEPS
    assert sum(step.done for step in steps) == 10
    newest = steps[-1]
    assert (newest.people, newest.tokens_per_second) == (3, 1.0)
    assert (newest.median_wait, newest.long_wait) == (1.0, 60.0)
    assert steps[0].median_wait is None


def test_a_percentile_is_a_value_that_was_there() -> None:
    values = [(float(n), 1.0) for n in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.95) == 95
    assert percentile([], 0.5) is None
