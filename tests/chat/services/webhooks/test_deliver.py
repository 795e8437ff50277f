"""One try of a delivery, and what follows from its outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from chat.accounts.account_deletion import close_account
from chat.accounts.retention import Retention
from chat.models import Conversation, Reply, User, WebhookDelivery, WebhookEndpoint
from chat.services.webhooks import endpoints
from chat.services.webhooks.deliver import deliver
from chat.services.webhooks.schedule import TRIES_MAX
from tests.chat.services.outgoing.receiver import Receiver

pytestmark = pytest.mark.django_db
End = Callable[..., Reply]
LEASE = timedelta(minutes=2)


def attempt() -> WebhookDelivery:
    """Claim and try the only delivery, as a keeper does when it is due."""
    found = WebhookDelivery.objects.select_related(
        "endpoint", "reply__message__conversation"
    )
    delivery = found.get()
    assert delivery.claim(timezone.now(), LEASE)
    deliver(delivery)
    return found.get()


def due() -> bool:
    return WebhookDelivery.objects.due(timezone.now()).exists()


def last_try(delivery: WebhookDelivery) -> tuple[int | None, str]:
    return delivery.tries[0]["status"], delivery.tries[0]["error"]


def test_a_receiver_can_verify_what_it_gets(
    account: User, endpoint: WebhookEndpoint, receiver: Receiver, ended: End
) -> None:
    reply = ended(account, "Hello")
    delivery = attempt()
    got = receiver.last
    said = Webhook(endpoint.secret).verify(got.body, dict(got.headers.items()))
    assert said["data"]["id"] == str(reply.pk)
    assert got.headers["Content-Type"] == "application/json"
    assert (delivery.state, last_try(delivery)) == ("done", (200, ""))
    assert not due()
    endpoint.refresh_from_db()
    assert endpoint.last_success_at is not None


def test_a_failure_is_tried_again_later_with_the_same_id_and_body(
    account: User, endpoint: WebhookEndpoint, receiver: Receiver, ended: End
) -> None:
    ended(account)
    receiver.status = 500
    before = timezone.now()
    delivery = attempt()
    assert (delivery.state, last_try(delivery)) == ("waiting", (500, "status"))
    assert timedelta(seconds=5) <= delivery.next_at - before < timedelta(seconds=60)
    assert not due()
    receiver.status = 200
    assert attempt().state == "done"
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_after_the_last_try_the_webhook_is_disabled(
    account: User, endpoint: WebhookEndpoint, receiver: Receiver, ended: End
) -> None:
    ended(account)
    receiver.status = 503
    WebhookDelivery.objects.update(attempts=TRIES_MAX - 2)
    assert attempt().state == "waiting"
    assert attempt().state == "failed"
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.disabled_reason) == (False, "failing")


def test_it_stays_enabled_if_something_else_was_delivered_meanwhile(
    account: User, endpoint: WebhookEndpoint, receiver: Receiver, ended: End
) -> None:
    ended(account)
    receiver.status = 503
    WebhookEndpoint.objects.update(last_success_at=timezone.now())
    WebhookDelivery.objects.update(attempts=TRIES_MAX - 1)
    assert attempt().state == "failed"
    endpoint.refresh_from_db()
    assert endpoint.is_enabled


def test_410_disables_the_webhook_at_once(
    account: User, endpoint: WebhookEndpoint, receiver: Receiver, ended: End
) -> None:
    ended(account)
    receiver.status = 410
    attempt()
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "gone"
    WebhookDelivery.objects.update(next_at=timezone.now())
    assert not due()
    endpoints.enable(endpoint)
    assert due()


def test_of_two_keepers_one_claims_a_delivery(
    account: User, endpoint: WebhookEndpoint, ended: End
) -> None:
    ended(account)
    one, other = (WebhookDelivery.objects.get() for _ in range(2))
    assert one.claim(timezone.now(), LEASE)
    assert not other.claim(timezone.now(), LEASE)
    assert not due()
    later = timezone.now() + LEASE
    assert WebhookDelivery.objects.due(later).get() == one  # if its keeper died


def test_a_keeper_whose_lease_ended_does_not_overwrite_another(
    account: User, endpoint: WebhookEndpoint, receiver: Receiver, ended: End
) -> None:
    ended(account)
    slow = WebhookDelivery.objects.select_related("endpoint", "reply__message").get()
    assert slow.claim(timezone.now(), timedelta())
    assert attempt().state == "done"
    receiver.status = 500
    deliver(slow)
    assert WebhookDelivery.objects.get().state == "done"


def test_a_new_secret_signs_beside_the_old_one_for_a_day(
    account: User, endpoint: WebhookEndpoint, receiver: Receiver, ended: End
) -> None:
    old = endpoint.secret
    new = endpoints.rotate_secret(endpoint)
    assert new != old
    ended(account)
    attempt()
    for secret in (old, new):
        got = receiver.last
        Webhook(secret).verify(got.body, dict(got.headers.items()))
    assert endpoint.secrets(timezone.now() + timedelta(hours=25)) == [new]


def test_what_was_deleted_is_not_told(
    account: User, endpoint: WebhookEndpoint, receiver: Receiver, ended: End
) -> None:
    ended(account)
    Conversation.objects.update(deleted_at=timezone.now())
    delivery = attempt()
    assert (delivery.state, last_try(delivery)) == ("failed", (None, "deleted"))
    assert receiver.received == []
    endpoint.refresh_from_db()
    assert endpoint.is_enabled


def test_a_test_can_be_sent_once_at_a_time(
    endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    assert endpoints.send_test(endpoint)
    assert not endpoints.send_test(endpoint)
    assert attempt().state == "done"
    said = json.loads(receiver.last.body)
    assert (said["type"], said["data"]) == ("webhook.test", {})
    assert endpoints.send_test(endpoint)


def test_an_owner_has_what_failed_tried_again(
    account: User, endpoint: WebhookEndpoint, receiver: Receiver, ended: End
) -> None:
    ended(account)
    receiver.status = 500
    delivery = attempt()
    endpoints.retry_now(delivery)
    assert due()
    receiver.status = 200
    delivery = attempt()
    endpoints.retry_now(delivery)
    assert not due()


def test_an_account_that_is_closed_takes_its_webhooks_along(
    account: User, endpoint: WebhookEndpoint, ended: End
) -> None:
    ended(account)
    User.objects.update(is_active=False)
    assert not due()
    close_account(account)
    assert not WebhookEndpoint.objects.exists()
    assert not WebhookDelivery.objects.exists()


def test_the_log_is_kept_for_some_days(
    account: User, endpoint: WebhookEndpoint, ended: End, settings: LazySettings
) -> None:
    ended(account)
    Retention(lambda: 0).run()
    assert WebhookDelivery.objects.exists()
    late = timedelta(days=settings.WEBHOOK_LOG_DAYS, seconds=1)
    WebhookDelivery.objects.update(created_at=timezone.now() - late)
    Retention(lambda: 0).run()
    assert not WebhookDelivery.objects.exists()


def test_no_log_names_the_address_or_the_secret(
    account: User,
    endpoint: WebhookEndpoint,
    ended: End,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    ended(account, "a canary of some length")
    attempt()
    assert endpoint.url not in caplog.text
    assert endpoint.secret not in caplog.text
    assert "/hook" not in caplog.text
