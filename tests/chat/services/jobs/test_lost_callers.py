"""Replies of calls whose web process is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings

from chat.keeper import Keeper
from chat.models import Reply, User
from chatsite import wire
from chatsite.mailbox import Mailbox, MailboxAway
from chatsite.mailbox.callers import CallerMark
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


class Site:
    """A keeper that has reached Redis for long enough, and the clock that it sees."""

    def __init__(self) -> None:
        self.now = 0.0
        self.keeper = Keeper(lambda: self.now)
        self.keeper.sweep()
        self.now = float(settings.CALLER_LOST_SECONDS)

    def state_after_a_sweep(self, reply: Reply) -> str:
        self.keeper.sweep()
        return Reply.objects.get(pk=reply.pk).state


@pytest.fixture
def site(box: Mailbox) -> Site:
    return Site()


@pytest.fixture
def mark(valkey: Valkey, box: Mailbox) -> Callable[..., None]:
    """Mark a reply as one whose callers wait, or waited long ago."""

    def make(reply: Reply, *, is_old: bool) -> None:
        said = CallerMark("process", [str(reply.pk)], settings.CALLER_LOST_SECONDS)
        box.live_replies([(str(reply.pk), 0, 0)], said)
        if is_old:
            valkey.client.zadd("mailbox:kept", {str(reply.pk): 1})

    return make


def test_a_reply_whose_callers_are_gone_is_given_up(
    owner: User, sent, mark, site: Site, valkey: Valkey
) -> None:
    reply = sent(owner)
    mark(reply, is_old=True)
    assert site.state_after_a_sweep(reply) == wire.State.STOPPED
    assert Reply.objects.get(pk=reply.pk).is_given_up
    assert not valkey.client.exists("mailbox:kept")


def test_replies_that_callers_wait_for_or_that_never_had_any_go_on(
    owner: User, sent, mark, site: Site
) -> None:
    awaited, ordinary = sent(owner), sent(owner)
    mark(awaited, is_old=False)
    assert site.state_after_a_sweep(awaited) == wire.State.QUEUED
    assert site.state_after_a_sweep(ordinary) == wire.State.QUEUED


def test_a_keeper_waits_for_new_marks_after_its_start_and_after_redis_was_away(
    owner: User, sent, mark, site: Site, valkey: Valkey, box: Mailbox
) -> None:
    reply = sent(owner)
    mark(reply, is_old=True)
    site.now -= 1
    assert site.state_after_a_sweep(reply) == wire.State.QUEUED
    valkey.stop()
    try:
        with pytest.raises(MailboxAway):
            site.keeper.sweep()
    finally:
        valkey.start()
    box.connection.forgive()
    mark(reply, is_old=True)
    site.now += settings.CALLER_LOST_SECONDS
    assert site.state_after_a_sweep(reply) == wire.State.QUEUED
    site.now += settings.CALLER_LOST_SECONDS
    assert site.state_after_a_sweep(reply) == wire.State.STOPPED


def test_a_reply_that_ended_is_marked_no_longer(
    owner: User, sent, mark, site: Site, worker, valkey: Valkey
) -> None:
    reply = sent(owner)
    mark(reply, is_old=True)
    worker.answer("Honey.")
    assert site.state_after_a_sweep(reply) == wire.State.DONE
    assert not valkey.client.exists("mailbox:kept")
