"""Pauses and orders: rows decide, and the mailbox carries them out."""

from __future__ import annotations

import pytest

from chat.keeper import Keeper
from chat.models import PausedModel
from chat.services.operation import control
from chatsite import wire
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conftest import Worker
from tests.chatsite.mailbox_calls import enqueue
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


def test_a_paused_model_gives_nothing_and_what_waits_does_not_expire(
    box: Mailbox,
) -> None:
    enqueue(box, "waits")
    control.pause("m")
    control.pause("m")
    assert box.claim("m", "w", 60) is None
    assert box.overview().models[0].is_paused
    control.resume("m")
    assert box.claim("m", "w", 60) is not None


def test_a_pause_outlives_an_emptied_redis(box: Mailbox) -> None:
    control.pause("m")
    box.connection.command("FLUSHALL")
    assert not box.is_paused("m")
    Keeper().sweep()
    assert box.is_paused("m")


def test_what_was_set_while_redis_was_away_is_carried_out_later(
    valkey: Valkey, box: Mailbox
) -> None:
    valkey.stop()
    try:
        control.pause("m")
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    Keeper().sweep()
    assert box.is_paused("m")
    PausedModel.objects.all().delete()
    enqueue(box, "waits")
    Keeper().sweep()
    assert not box.is_paused("m")


def test_only_a_worker_that_is_there_takes_an_order(box: Mailbox) -> None:
    Worker(box).announce()
    assert control.order_worker("scripted", "w", wire.WorkerOrder.DRAIN)
    assert not control.order_worker("scripted", "gone", wire.WorkerOrder.DRAIN)
    assert not control.order_worker("other", "w", wire.WorkerOrder.DRAIN)
    said = wire.Announcement("w", "scripted", "", wire.Stage.READY)
    assert box.announce(said).order is wire.WorkerOrder.DRAIN
