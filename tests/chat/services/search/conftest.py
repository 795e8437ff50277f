"""A conversation to search in."""

from __future__ import annotations

import pytest

from chat.models import Conversation, User


@pytest.fixture
def talk(owner: User) -> Conversation:
    return Conversation.objects.create(owner=owner, title="Knots")
