"""What the end of a reply leaves for webhooks, in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from chat.accounts.api_keys import make_key
from chat.models import Reply, User, WebhookDelivery, WebhookEndpoint
from chat.models.webhook_endpoint import DisabledReason, EventType
from chat.services.batches.batches import BatchRequest, begin_batch
from chat.services.batches.files import save_file
from chat.services.jobs.collect import collect
from chat.services.jobs.stop import stop_reply
from chat.services.webhooks.endpoints import disable, make_endpoint
from chat.services.webhooks.events import record_end
from chat.services.webhooks.payload import body_of
from chatsite import wire
from chatsite.mailbox import Mailbox

pytestmark = pytest.mark.django_db
End = Callable[..., Reply]


def events(endpoint: WebhookEndpoint) -> list[str]:
    return [*endpoint.deliveries.values_list("type", flat=True)]


def test_done_and_failed_replies_are_events_and_stopped_ones_are_not(
    account: User, endpoint: WebhookEndpoint, ended: End
) -> None:
    ended(account)
    assert events(endpoint) == ["reply.done"]
    ended(account, outcome=wire.Outcome.FAILED)
    ended(account, outcome=wire.Outcome.STOPPED)
    assert sorted(events(endpoint)) == ["reply.done", "reply.failed"]


def test_a_reply_that_expires_is_a_failed_one(
    account: User, endpoint: WebhookEndpoint, sent, box: Mailbox
) -> None:
    reply = sent(account)
    assert box.expire(str(reply.pk), -1)
    collect(str(reply.pk))
    assert events(endpoint) == ["reply.failed"]


def test_a_held_reply_that_is_stopped_is_no_event(
    account: User, endpoint: WebhookEndpoint, sent
) -> None:
    first = sent(account)
    held = sent(account, "two", first.message.conversation)
    stop_reply(Reply.objects.with_path().get(pk=held.pk))
    assert events(endpoint) == []


def test_collecting_twice_makes_one_event(
    account: User, endpoint: WebhookEndpoint, ended: End
) -> None:
    reply = ended(account)
    collect(str(reply.pk))
    assert events(endpoint) == ["reply.done"]


def test_an_end_that_is_rolled_back_leaves_no_event(
    account: User, endpoint: WebhookEndpoint, ended: End
) -> None:
    reply = ended(account)
    WebhookDelivery.objects.all().delete()
    with transaction.atomic():
        record_end(reply)
        assert events(endpoint) == ["reply.done"]
        transaction.set_rollback(True)
    assert events(endpoint) == []


def test_a_line_of_a_batch_is_no_event(
    account: User, endpoint: WebhookEndpoint, ended: End
) -> None:
    reply = ended(account)
    WebhookDelivery.objects.all().delete()
    conversation = reply.message.conversation
    conversation.is_hidden = True
    record_end(reply)
    assert events(endpoint) == ["reply.done"]
    WebhookDelivery.objects.all().delete()
    batch = begin_batch(account, BatchRequest(save_file(account, "a", 2, [b"{}"])))
    batch.lines.create(number=1, custom_id="a", conversation=conversation, body="{}")
    record_end(reply)
    assert events(endpoint) == []


def test_an_owner_chooses_events_and_a_key(
    account: User, receiver, ended: End, endpoint: WebhookEndpoint, sent, worker
) -> None:
    key, _ = make_key(account, "A bot")
    chosen = {"url": receiver.address, "events": [EventType.REPLY_FAILED]}
    failures = make_endpoint(account, **chosen)
    of_key = make_endpoint(
        account, url=receiver.address, events=["reply.done"], api_key=key
    )
    ended(account)
    account.used_key = key
    ended(account)
    assert [len(events(one)) for one in (endpoint, failures, of_key)] == [2, 0, 1]


def test_others_and_disabled_webhooks_get_nothing(
    account: User, endpoint: WebhookEndpoint, ended: End, settings: LazySettings
) -> None:
    ended(User.objects.create_user("wasp", None))
    disable(endpoint, DisabledReason.OWNER)
    ended(account)
    WebhookEndpoint.objects.update(disabled_at=None)
    settings.WEBHOOKS_MAX = 0
    ended(account)
    assert events(endpoint) == []


def test_the_end_costs_an_account_one_query_and_a_guest_none(
    owner: User, account: User, ended: End
) -> None:
    for user, count in ((owner, 0), (account, 1)):
        reply = ended(user)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            record_end(reply)
        assert len(queries) == count


def test_a_payload_says_what_became_of_the_reply(
    account: User, endpoint: WebhookEndpoint, ended: End, settings: LazySettings
) -> None:
    settings.WEBHOOK_TEXT_CHARACTERS = 4
    reply = ended(account, "größer")
    delivery = WebhookDelivery.objects.get()
    said = json.loads(body_of(delivery))
    assert said["type"] == "reply.done"
    assert said["timestamp"].endswith("Z")
    assert said["data"] == {
        "id": str(reply.pk),
        "conversation": str(reply.message.conversation_id),
        "state": "done",
        "error": None,
        "model": "scripted",
        "usage": {"prompt_tokens": 5, "completion_tokens": 2},
        "is_length_limited": False,
        "text": "größ"[:4],
        "is_text_cut": True,
    }
    settings.WEBHOOK_TEXT_CHARACTERS = 6
    again = json.loads(body_of(delivery))["data"]
    assert (again["text"], again["is_text_cut"]) == ("größer", False)


def test_a_failure_says_why(
    account: User, endpoint: WebhookEndpoint, ended: End
) -> None:
    ended(account, outcome=wire.Outcome.FAILED)
    said = json.loads(body_of(WebhookDelivery.objects.get()))
    assert (said["type"], said["data"]["error"]) == ("reply.failed", "model_error")
