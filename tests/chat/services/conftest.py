"""An answered message, for the tests of services."""

from __future__ import annotations

import pytest

from chat.models import Reply, User
from tests.chat.conftest import Worker
from tests.chat.services.version_actions import collected


@pytest.fixture
def done(owner: User, worker: Worker, sent) -> Reply:
    """A conversation whose one prompt was answered."""
    reply = sent(owner, "one")
    return collected(worker, reply, "first")
