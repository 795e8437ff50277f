"""One try of a notice: what the browser gets, and when it gets none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.conf import LazySettings
from django.utils import timezone

from chat.models import Conversation, Notice, PushSubscription, Reply, User
from chat.models.push_subscription import FAILURES_MAX
from chat.services.conversations import mark_read
from chat.services.notifications import vapid
from chat.services.notifications.deliver import delay_after, deliver
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.services.notifications.browser_keys import BrowserKeys, checked_claims
from tests.chat.services.outgoing.receiver import Receiver
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db
End = Callable[..., Reply]
Subscribe = Callable[..., PushSubscription]
LEASE = timedelta(minutes=2)


def attempt(notice: Notice | None = None) -> Notice | None:
    """Claim and try a notice, as a keeper does when it is due; None if it is over."""
    found = Notice.objects.select_related(
        "subscription", "reply__message__conversation__owner"
    )
    notice = found.get(pk=notice.pk) if notice else found.get()
    assert notice.claim(timezone.now(), LEASE)
    deliver(notice)
    return found.filter(pk=notice.pk).first()


def look(box: Mailbox, owner: User, *, is_seen: bool = True) -> None:
    """A page of the owner asks for news."""
    box.remember("a session", str(owner.pk))
    box.snapshot("a session", "scripted", (), is_seen=is_seen)


def test_the_browser_gets_title_and_address_and_no_text(
    owner: User,
    subscribed: Subscribe,
    ended: End,
    push_service: Receiver,
    browser: BrowserKeys,
) -> None:
    subscription = subscribed(owner, "/send/abc?d=e")
    reply = ended(owner, "How do bees fly?")
    assert attempt() is None
    path = f"/c/{reply.message.conversation_id}/"
    assert browser.notice(push_service.last.body) == {
        "title": "The reply is ready.",
        "body": "How do bees fly?",
        "url": path,
        "tag": path,
    }
    assert b"bees" not in push_service.last.body
    assert push_service.last.path == "/send/abc?d=e"
    headers = push_service.last.headers
    assert headers["Content-Encoding"] == "aes128gcm"
    assert headers["Urgency"] == "high"
    assert 0 < int(headers["TTL"]) <= 240 * 60
    claims = checked_claims(headers["Authorization"], vapid.public_key())
    assert (claims["aud"], claims["sub"]) == (
        push_service.address,
        "mailto:a@example.org",
    )
    subscription.refresh_from_db()
    assert subscription.last_success_at is not None


def test_a_failure_is_told_in_the_language_of_the_browser(
    owner: User,
    subscribed: Subscribe,
    ended: End,
    push_service: Receiver,
    browser: BrowserKeys,
) -> None:
    subscribed(owner, language="de")
    ended(owner, outcome=wire.Outcome.FAILED)
    attempt()
    title = browser.notice(push_service.last.body)["title"]
    assert title == "Die Antwort ist fehlgeschlagen."


def test_replies_of_one_conversation_replace_each_other(
    owner: User, subscribed: Subscribe, ended: End, push_service: Receiver
) -> None:
    subscribed(owner)
    first = ended(owner)
    conversation = first.message.conversation
    attempt()
    ended(owner, conversation=conversation)
    attempt()
    ended(owner)
    attempt()
    topics = [one.headers["Topic"] for one in push_service.received]
    assert topics[0] == topics[1] != topics[2]
    assert {len(topic) for topic in topics} == {32}
    assert conversation.pk.hex not in topics[0]


def test_the_last_of_several_replies_speaks_for_all(
    owner: User, subscribed: Subscribe, ended: End, push_service: Receiver
) -> None:
    subscribed(owner)
    first = ended(owner)
    ended(owner, conversation=first.message.conversation)
    for notice in Notice.objects.order_by("pk"):
        assert attempt(notice) is None
    assert len(push_service.received) == 1


def test_what_was_read_is_not_told(
    owner: User, subscribed: Subscribe, ended: End, push_service: Receiver
) -> None:
    subscribed(owner)
    mark_read(ended(owner).message.conversation)
    assert attempt() is None
    assert not push_service.received


def test_while_a_page_is_open_nothing_is_told(
    owner: User,
    subscribed: Subscribe,
    ended: End,
    push_service: Receiver,
    box: Mailbox,
) -> None:
    subscribed(owner)
    ended(owner)
    look(box, owner)
    assert attempt() is None
    assert not push_service.received


def test_a_page_in_the_background_does_not_count(
    owner: User,
    subscribed: Subscribe,
    ended: End,
    push_service: Receiver,
    box: Mailbox,
) -> None:
    subscribed(owner)
    ended(owner)
    look(box, owner, is_seen=False)
    assert attempt() is None
    assert len(push_service.received) == 1


def test_a_page_that_was_open_just_before_is_given_time_to_show_it(
    owner: User,
    subscribed: Subscribe,
    ended: End,
    push_service: Receiver,
    box: Mailbox,
    valkey: Valkey,
) -> None:
    subscribed(owner)
    look(box, owner)
    ended(owner)
    waiting = attempt()
    assert waiting is not None
    assert timedelta(0) < waiting.next_at - timezone.now() < timedelta(seconds=30)
    assert waiting.attempts == 0
    assert not push_service.received
    # It was closed: nothing has asked since.
    long_ago = timezone.now().timestamp() - 60
    valkey.client.set(f"mailbox:seen:{owner.pk}", str(long_ago))
    assert attempt() is None
    assert len(push_service.received) == 1


def test_without_redis_a_notice_leaves(
    owner: User,
    subscribed: Subscribe,
    ended: End,
    push_service: Receiver,
    settings: LazySettings,
) -> None:
    subscribed(owner)
    ended(owner)
    settings.REDIS_URL = "unix:///nowhere.sock"
    assert attempt() is None
    assert len(push_service.received) == 1


def test_a_stale_notice_is_dropped(
    owner: User,
    subscribed: Subscribe,
    ended: End,
    push_service: Receiver,
    settings: LazySettings,
) -> None:
    subscribed(owner)
    ended(owner)
    age = timedelta(minutes=settings.NOTICE_KEEP_MINUTES)
    Notice.objects.update(created_at=timezone.now() - age)
    assert attempt() is None
    assert not push_service.received


def test_nothing_is_told_of_a_deleted_conversation_or_to_another_owner(
    owner: User, subscribed: Subscribe, ended: End, push_service: Receiver
) -> None:
    subscribed(owner)
    ended(owner)
    Conversation.objects.update(deleted_at=timezone.now())
    assert attempt() is None
    Conversation.objects.update(deleted_at=None)
    ended(owner)
    PushSubscription.objects.update(owner=User.objects.create_user("wasp", None))
    assert attempt() is None
    assert not push_service.received


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_gone_is_deleted(
    status: int, owner: User, subscribed: Subscribe, ended: End, push_service: Receiver
) -> None:
    subscribed(owner)
    ended(owner)
    push_service.status = status
    assert attempt() is None
    assert not PushSubscription.objects.exists()


def test_a_push_service_that_is_busy_is_asked_again_when_it_wants(
    owner: User, subscribed: Subscribe, ended: End, push_service: Receiver
) -> None:
    subscribed(owner)
    ended(owner)
    push_service.status, push_service.headers = 429, {"Retry-After": "600"}
    waiting = attempt()
    assert waiting is not None
    assert waiting.attempts == 1
    assert waiting.next_at - timezone.now() > timedelta(seconds=590)
    push_service.status = 201
    assert attempt() is None
    assert len(push_service.received) == 2


@pytest.mark.parametrize("pause", ["Wed, 21 Oct 2026 07:28:00 GMT", "-5", "9" * 30])
def test_a_pause_that_makes_no_sense_is_ignored(
    pause: str, owner: User, subscribed: Subscribe, ended: End, push_service: Receiver
) -> None:
    subscribed(owner)
    ended(owner)
    push_service.status, push_service.headers = 503, {"Retry-After": pause}
    waiting = attempt()
    assert waiting is not None
    assert waiting.next_at - timezone.now() < timedelta(seconds=30)


def test_a_push_service_that_always_refuses_is_given_up(
    owner: User, subscribed: Subscribe, ended: End, push_service: Receiver
) -> None:
    subscribed(owner)
    push_service.status = 403
    for _ in range(FAILURES_MAX):
        assert PushSubscription.objects.exists()
        ended(owner)
        assert attempt() is None
    assert not PushSubscription.objects.exists()


def test_an_address_that_is_not_public_gets_no_connection_and_no_further_try(
    owner: User,
    subscribed: Subscribe,
    ended: End,
    push_service: Receiver,
    settings: LazySettings,
) -> None:
    subscription = subscribed(owner)
    ended(owner)
    settings.PUSH_PRIVATE_NETWORKS = ()
    settings.WEBHOOK_PRIVATE_NETWORKS = (ip_network("127.0.0.1"),)
    assert attempt() is None
    assert not push_service.received
    subscription.refresh_from_db()
    assert subscription.failures == 1


def test_a_subscription_whose_keys_are_none_is_deleted(
    owner: User, subscribed: Subscribe, ended: End, push_service: Receiver
) -> None:
    subscribed(owner, p256dh="A" * 87)
    ended(owner)
    assert attempt() is None
    assert not push_service.received
    assert not PushSubscription.objects.exists()


def test_another_try_waits_longer_and_longer() -> None:
    delays = [delay_after(attempts, 0) for attempts in range(1, 9)]
    assert delays == [5, 30, 120, 600, 1800, 3600, 3600, 3600]
    assert delay_after(1, 1) == 6
