"""A person with a browser that gets notices, and a push service that it trusts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from chat.models import PushSubscription, Reply, Session, User
from chat.services.jobs.collect import collect
from chat.services.notifications import vapid
from chatsite import wire
from tests.chat.services.notifications.browser_keys import BrowserKeys
from tests.chat.services.outgoing.receiver import Receiver, receiving

KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"


@pytest.fixture(autouse=True)
def _keys(settings: LazySettings) -> None:
    settings.VAPID_PRIVATE_KEY, settings.VAPID_CONTACT = KEY, "mailto:a@example.org"
    settings.HAS_PUSH = True
    settings.NOTICE_DELAY_SECONDS = 0
    assert vapid.public_key()


@pytest.fixture
def push_service(settings: LazySettings) -> Iterator[Receiver]:
    settings.PUSH_PRIVATE_NETWORKS = (ip_network("127.0.0.1"),)
    with receiving() as server:
        server.status, server.answer = 201, b""
        yield server


@pytest.fixture
def browser() -> BrowserKeys:
    return BrowserKeys()


@pytest.fixture
def subscribed(
    push_service: Receiver, browser: BrowserKeys, client_of: Callable[[User], Client]
) -> Callable[..., PushSubscription]:
    """Let a new browser of a person get notices."""

    def subscribe(owner: User, path: str = "/one", **fields: Any) -> PushSubscription:
        session = client_of(owner).session.session_key
        return PushSubscription.objects.create(
            **{
                "owner": owner,
                "session": Session.objects.get(pk=session),
                "endpoint": push_service.address + path,
                "p256dh": browser.p256dh,
                "auth": browser.auth,
                "language": "en",
                **fields,
            }
        )

    return subscribe


@pytest.fixture
def ended(sent, worker) -> Callable[..., Reply]:
    """Send a message for an owner and end its reply."""

    def end(
        owner: User,
        text: str = "hi",
        outcome: wire.Outcome = wire.Outcome.DONE,
        conversation: Any = None,
        **more: Any,
    ) -> Reply:
        reply = sent(owner, text, conversation, **more)
        worker.finish(worker.claim(), "It is so.", outcome)
        collect(str(reply.pk))
        return Reply.objects.with_path().get(pk=reply.pk)

    return end
