"""An answered message, and a server that webhooks may reach, for tests of services."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from django.conf import LazySettings

from chat.models import Reply, User
from tests.chat.conftest import Worker
from tests.chat.services.outgoing.receiver import Receiver, receiving
from tests.chat.services.version_actions import collected


@pytest.fixture
def receiver(settings: LazySettings) -> Iterator[Receiver]:
    settings.WEBHOOK_PRIVATE_NETWORKS = (ip_network("127.0.0.1"),)
    with receiving() as server:
        yield server


@pytest.fixture
def done(owner: User, worker: Worker, sent) -> Reply:
    """A conversation whose one prompt was answered."""
    reply = sent(owner, "one")
    return collected(worker, reply, "first")
