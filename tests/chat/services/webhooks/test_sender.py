"""The threads of the keeper: how many calls at a time, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from chat.models import User, WebhookDelivery, WebhookEndpoint
from chat.services.outgoing.delivery_threads import PER_OWNER
from chat.services.webhooks import endpoints
from chat.services.webhooks.sender import WebhookSender
from tests.chat.services.outgoing.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db(transaction=True)
Until = Callable[..., None]


@pytest.fixture
def sender(settings: LazySettings) -> Iterator[WebhookSender]:
    settings.SWEEP_SECONDS = 0.02
    started = WebhookSender()
    started.start()
    yield started
    started.stop()


def due(owner: User, receiver: Receiver, count: int) -> None:
    for _ in range(count):
        endpoint = endpoints.make_endpoint(owner, url=receiver.address, events=[])
        endpoints.send_test(endpoint)


def states() -> list[str]:
    return [*WebhookDelivery.objects.values_list("state", flat=True)]


def test_what_is_due_is_sent(
    account: User, receiver: Receiver, sender: WebhookSender, until: Until
) -> None:
    due(account, receiver, 5)
    until(lambda: states() == ["done"] * 5)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 5
    assert len(receiver.received) == 5


def test_a_thread_that_becomes_free_sends_the_next_at_once(
    account: User, receiver: Receiver, settings: LazySettings, until: Until
) -> None:
    settings.SWEEP_SECONDS = 3600
    due(account, receiver, 3 * PER_OWNER)
    sender = WebhookSender()
    sender.start()
    until(lambda: states() == ["done"] * 3 * PER_OWNER)
    sender.stop()


def test_a_slow_address_does_not_hold_up_those_of_others(
    account: User, receiver: Receiver, sender: WebhookSender, until: Until
) -> None:
    receiver.holds = True
    due(account, receiver, 4)
    until(lambda: len(receiver.received) == PER_OWNER)
    wasp = User.objects.create_user("wasp", None)
    due(wasp, receiver, 1)
    until(lambda: len(receiver.received) == PER_OWNER + 1)
    receiver.released.set()
    until(lambda: states() == ["done"] * 5)


def test_a_slow_address_does_not_hold_up_another_of_its_owner(
    account: User, receiver: Receiver, sender: WebhookSender, until: Until
) -> None:
    receiver.holds = True
    slow = endpoints.make_endpoint(account, url=receiver.address, events=[])
    for number in range(4):
        WebhookDelivery.objects.create(
            endpoint=slow,
            event_id=f"e{number}",
            type="webhook.test",
            next_at=timezone.now(),
        )
    until(lambda: len(receiver.received) == 1)
    with receiving() as healthy:
        due(account, healthy, 3)
        until(lambda: len(healthy.received) == 3)
    assert len(receiver.received) == 1
    receiver.released.set()
    until(lambda: states() == ["done"] * 7)


def test_webhooks_are_called_in_turn(account: User, receiver: Receiver) -> None:
    sender, long_ago = WebhookSender(), timezone.now() - timedelta(hours=1)
    for name, count in (("a", 3), ("b", 3), ("c", 1)):
        endpoint = endpoints.make_endpoint(
            account, url=receiver.address, events=[], description=name
        )
        for number in range(count):
            WebhookDelivery.objects.create(
                endpoint=endpoint,
                event_id=f"e{number}",
                type="webhook.test",
                next_at=long_ago,
            )
        long_ago += timedelta(minutes=1)
    assert sender.claim_due() == PER_OWNER
    first = [sender._claimed.get() for _ in range(PER_OWNER)]
    assert [one.endpoint.description for one in first if one] == ["a", "b"]
    sender._claimed.put(first[0])
    sender._claimed.put(None)
    sender._send()
    assert sender.claim_due() == 1
    third = sender._claimed.get()
    assert third is not None
    assert third.endpoint.description == "c"


def test_a_site_without_webhooks_starts_no_thread(settings: LazySettings) -> None:
    settings.WEBHOOKS_MAX = 0
    sender = WebhookSender()
    sender.start()
    sender.stop(0)


def test_one_that_was_stopped_claims_nothing(
    endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    sender = WebhookSender()
    sender.stop()
    endpoints.send_test(endpoint)
    assert sender.claim_due() == 0
