"""Shared links through the API: made once, listed, read, renewed and revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from chat.models import Conversation, SharedLink, User
from chat.services.sharing.links import find_link
from tests.chat.conversation_data import long_conversation

pytestmark = pytest.mark.django_db
JSON = "application/json"
URL = "/api/v1/shared-links"


@pytest.fixture
def talk(owner: User) -> Conversation:
    return long_conversation(owner, 4)


def share(tab: Client, talk: Conversation, key: str = "", **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    url = f"/api/v1/conversations/{talk.pk}/share"
    return tab.post(url, body, content_type=JSON, headers=headers)


def test_a_link_is_made_once_for_its_key(tab: Client, talk: Conversation) -> None:
    made = share(tab, talk, "one")
    assert made.status_code == 201
    data = made.json()
    assert made["Location"] == data["url"] == f"http://testserver{URL}/{data['id']}"
    secret = data["address"].removeprefix("http://testserver/s/").rstrip("/")
    assert str(find_link(secret).pk) == data["id"]  # type: ignore[union-attr]
    assert (data["conversation"], data["messages"]) == (str(talk.pk), 4)
    assert share(tab, talk, "one").json() == data
    other = share(tab, talk, "one", has_details=True)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert SharedLink.objects.count() == 1


def test_links_are_listed_read_renewed_and_revoked(
    tab: Client, talk: Conversation
) -> None:
    first, second = (share(tab, talk).json() for _ in range(2))
    listed = tab.get(URL).json()["shared_links"]
    assert listed == [second, first]
    url = f"{URL}/{first['id']}"
    assert tab.get(url).json() == first
    renewed = tab.post(f"{url}/renew", {}, content_type=JSON).json()
    assert renewed["address"] == first["address"]
    assert renewed["frozen"] > first["frozen"]
    moved = tab.post(f"{url}/renew", {"new_address": True}, content_type=JSON).json()
    assert moved["address"] != first["address"]
    once = {"headers": {"Idempotency-Key": "one"}, "content_type": JSON}
    addresses = {
        tab.post(f"{url}/renew", {"new_address": True}, **once).json()["address"]
        for _ in range(2)
    }
    assert len(addresses - {moved["address"]}) == 1
    twice = {"headers": {"Idempotency-Key": "two"}, "content_type": JSON}
    for _ in range(2):
        revoked = tab.post(f"{url}/revoke", {}, **twice).json()
        assert revoked == {"id": first["id"], "revoked": True}
    assert tab.get(url).status_code == 404


def test_it_expires_when_it_was_asked_to(tab: Client, talk: Conversation) -> None:
    now = timezone.now()
    until = (now + timedelta(hours=1)).isoformat()
    data = share(tab, talk, expires=until).json()
    assert data["expires"].startswith(until[:19])
    for wrong in (now - timedelta(hours=1), now + timedelta(days=4000)):
        refused = share(tab, talk, expires=wrong.isoformat())
        assert (refused.status_code, refused.json()["code"]) == (422, "bad_expiry")
    assert share(tab, talk, expires="2030-01-01T00:00:00").status_code == 400


def test_where_sharing_is_off_links_can_only_be_revoked(
    tab: Client, talk: Conversation, settings: Any
) -> None:
    made = share(tab, talk).json()
    settings.SHARING = "off"
    assert share(tab, talk).json()["code"] == "sharing_off"
    url = f"{URL}/{made['id']}"
    renewed = tab.post(f"{url}/renew", {}, content_type=JSON)
    assert renewed.json()["code"] == "sharing_off"
    assert tab.post(f"{url}/revoke", {}, content_type=JSON).status_code == 200


def test_visitors_have_no_links(db: None) -> None:
    assert Client().get(URL).json() == {"shared_links": []}
