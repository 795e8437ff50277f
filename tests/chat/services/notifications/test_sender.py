"""The keeper's threads that send notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings

from chat.models import Notice, PushSubscription, Reply, User
from chat.services.notifications.sender import NoticeSender
from tests.chat.services.outgoing.receiver import Receiver
from tests.processes import free_port

pytestmark = pytest.mark.django_db(transaction=True)
Until = Callable[..., None]
End = Callable[..., Reply]
Subscribe = Callable[..., PushSubscription]


@pytest.fixture
def sender(settings: LazySettings) -> Iterator[NoticeSender]:
    settings.SWEEP_SECONDS = 0.02
    started = NoticeSender()
    started.start()
    yield started
    started.stop()


def test_one_broken_subscription_does_not_stop_the_others(
    owner: User,
    subscribed: Subscribe,
    ended: End,
    push_service: Receiver,
    sender: NoticeSender,
    until: Until,
) -> None:
    subscribed(owner, "/broken", p256dh="A" * 87)
    subscribed(owner, "/nowhere", endpoint=f"http://127.0.0.1:{free_port()}")
    for number in range(3):
        subscribed(owner, f"/{number}")
    ended(owner)
    until(lambda: Notice.objects.count() == 1)  # goes nowhere, and is tried again
    paths = sorted(one.path for one in push_service.received)
    assert paths == ["/0", "/1", "/2"]


def test_two_keepers_send_a_notice_once(
    owner: User,
    subscribed: Subscribe,
    ended: End,
    push_service: Receiver,
    sender: NoticeSender,
    until: Until,
) -> None:
    second = NoticeSender()
    second.start()
    subscribed(owner)
    for _ in range(5):
        ended(owner)
    until(lambda: not Notice.objects.exists())
    second.stop()
    assert len(push_service.received) == 5


def test_a_site_without_keys_starts_no_thread(settings: LazySettings) -> None:
    settings.HAS_PUSH = False
    sender = NoticeSender()
    sender.start()
    sender.stop(0)
