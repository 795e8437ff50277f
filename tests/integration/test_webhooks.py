"""Webhooks from keepers that are processes of their own: two at once, and a dead one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings
from django.utils import timezone

from chat.models import User, WebhookDelivery, WebhookEndpoint
from chat.services.webhooks import endpoints
from tests.chat.services.outgoing.receiver import Receiver, receiving
from tests.integration.test_locked_database import database_url
from tests.processes import Program
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db(transaction=True)
Until = Callable[..., None]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def keeper() -> Program:
    return Program(
        *("manage.py", "keeper"),
        DATABASE_URL=database_url(),
        WEBHOOK_PRIVATE_NETWORKS="127.0.0.1",
        SWEEP_SECONDS="0.2",
    )


def waiting(receiver: Receiver, owners: int) -> None:
    for number in range(owners):
        owner = User.objects.create_user(f"bee{number}", None)
        endpoint = endpoints.make_endpoint(owner, url=receiver.address, events=[])
        endpoints.send_test(endpoint)


def are_done() -> bool:
    return not WebhookDelivery.objects.exclude(state="done").exists()


def test_two_keepers_send_each_event_once_and_a_dead_one_is_made_up_for(
    valkey: Valkey, receiver: Receiver, until: Until, settings: LazySettings
) -> None:
    with keeper() as one, keeper() as other:
        until(lambda: all("keeper sweeps" in each.log for each in (one, other)), 60)
        waiting(receiver, 20)
        until(are_done, 40)
        assert len(receiver.received) == 20
        assert one.terminate() == 0
    receiver.received.clear()
    receiver.arrived.clear()
    receiver.holds = True
    endpoints.send_test(WebhookEndpoint.objects.all()[0])
    with keeper() as dying:
        until(receiver.arrived.is_set, 40)
        dying.kill()
    receiver.holds = False
    receiver.released.set()
    # Its lease ends, which takes minutes.
    left = WebhookDelivery.objects.filter(state="waiting")
    assert left.get().next_at > timezone.now()
    left.update(next_at=timezone.now())
    with keeper():
        until(are_done, 40)
    first, again = (one.headers["webhook-id"] for one in receiver.received)
    assert first == again
