"""An account with a webhook, and a server that it reaches."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.models import Reply, User, WebhookEndpoint
from chat.models.webhook_endpoint import CHOSEN_EVENTS
from chat.services.jobs.collect import collect
from chat.services.webhooks.endpoints import make_endpoint
from chatsite import wire
from tests.chat.services.outgoing.receiver import Receiver


@pytest.fixture
def account(db: None) -> User:
    return User.objects.create_user("bee", None)


@pytest.fixture
def endpoint(account: User, receiver: Receiver) -> WebhookEndpoint:
    url = f"{receiver.address}/hook?a=b"
    return make_endpoint(account, url=url, events=[*CHOSEN_EVENTS])


@pytest.fixture
def ended(sent, worker) -> Callable[..., Reply]:
    """Send a message for an owner and end its reply."""

    def end(
        owner: User, text: str = "hi", outcome: wire.Outcome = wire.Outcome.DONE
    ) -> Reply:
        reply = sent(owner)
        worker.finish(worker.claim(), text, outcome)
        collect(str(reply.pk))
        return Reply.objects.with_path().get(pk=reply.pk)

    return end
