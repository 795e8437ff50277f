"""The pages on which an owner makes, lists, renews and revokes shared links."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from chat.models import Conversation, SharedLink, User
from chat.services.sharing.links import make_link
from tests.chat.conversation_data import long_conversation
from tests.chat.pages import text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk(owner: User) -> Conversation:
    return long_conversation(owner, 2)


def form(**typed: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "expiry": "never", "date": "", **typed}


def test_a_form_that_is_changed_after_the_back_button_makes_another_link(
    tab: Client, talk: Conversation
) -> None:
    typed = form()
    for expiry in ("1", "1", "never"):
        tab.post(f"/c/{talk.pk}/share/", {**typed, "expiry": expiry})
    assert SharedLink.objects.filter(expires_at=None).count() == 1
    assert SharedLink.objects.exclude(expires_at=None).count() == 1


def test_a_link_is_made_once_from_the_menu_of_a_conversation(
    tab: Client, talk: Conversation
) -> None:
    url = f"/c/{talk.pk}/share/"
    assert f'#head-menu a[href="{url}"]' in dom(tab.get(f"/c/{talk.pk}/"))
    typed = form(id=dom(tab.get(url)).values("input[name=id]", "value")[0])
    answers = [tab.post(url, typed) for _ in range(2)]
    assert [answer["Location"] for answer in answers] == [f"{url}?made"] * 2
    link = SharedLink.objects.get()
    page = dom(tab.get(f"{url}?made"))
    assert "The link is ready." in page.text
    [address] = page.values(".shared-link input[readonly]", "value")
    assert address == f"http://testserver/s/{link.secret}/"
    assert (link.expires_at, link.has_details) == (None, False)


def test_it_opens_as_long_and_shows_as_much_as_was_chosen(
    tab: Client, talk: Conversation
) -> None:
    tab.post(f"/c/{talk.pk}/share/", form(expiry="7", has_details="on"))
    link = SharedLink.objects.get()
    assert link.has_details
    assert link.expires_at is not None
    assert (link.expires_at - link.created_at).days in (6, 7)


def test_a_date_that_is_over_or_missing_is_refused(
    tab: Client, talk: Conversation
) -> None:
    for date in ("", "2020-01-01", "tomorrow"):
        answer = tab.post(f"/c/{talk.pk}/share/", form(expiry="date", date=date))
        assert answer.status_code == 422
        assert ".errorlist" in dom(answer)
    assert not SharedLink.objects.exists()


def test_a_refusal_says_why(tab: Client, talk: Conversation, settings: Any) -> None:
    settings.SHARED_MAX_CHARACTERS = 5
    answer = tab.post(f"/c/{talk.pk}/share/", form())
    assert answer.status_code == 422
    assert "at most 5 characters" in dom(answer).one(".note.fail").text


def test_all_links_are_listed_renewed_and_revoked(
    tab: Client, owner: User, talk: Conversation
) -> None:
    other = long_conversation(owner, 4)
    link, second = make_link(talk), make_link(other)
    assert dom(tab.get("/shared/")).values(".shared-link input", "value") != []
    assert len(dom(tab.get("/shared/")).values(".shared-link b a", "href")) == 2
    here = dom(tab.get(f"/c/{talk.pk}/share/"))
    assert len(here.values(".shared-link input[readonly]", "value")) == 1
    renewed = tab.post(f"/shared/{link.pk}/renew/")
    assert renewed["Location"] == "/shared/?renewed"
    moved = tab.post(f"/shared/{link.pk}/renew/", {"new_address": "1", "here": "1"})
    assert moved["Location"] == f"/c/{talk.pk}/share/?moved"
    assert SharedLink.objects.get(pk=link.pk).secret != link.secret
    revoked = tab.post(f"/shared/{second.pk}/revoke/")
    assert revoked["Location"] == "/shared/?revoked"
    assert list(SharedLink.objects.all()) == [link]
    assert tab.post(f"/shared/{second.pk}/revoke/").status_code == 404


def test_a_renewal_that_is_refused_says_why(
    tab: Client, talk: Conversation, settings: Any
) -> None:
    link = make_link(talk)
    settings.SHARED_MAX_CHARACTERS = 5
    answer = tab.post(f"/shared/{link.pk}/renew/")
    assert answer.status_code == 422
    assert "too long to share" in text_of(answer)


def test_where_sharing_is_off_links_can_only_be_revoked(
    tab: Client, talk: Conversation, settings: Any
) -> None:
    link = make_link(talk)
    settings.SHARING = "off"
    assert f"/c/{talk.pk}/share/" not in text_of(tab.get(f"/c/{talk.pk}/"))
    assert "/shared/" not in text_of(tab.get("/account/"))
    assert tab.get(f"/c/{talk.pk}/share/").status_code == 404
    assert tab.post(f"/shared/{link.pk}/renew/").status_code == 404
    assert "switched off" in text_of(tab.get("/shared/"))
    assert tab.post(f"/shared/{link.pk}/revoke/").status_code == 303
    assert not SharedLink.objects.exists()


def test_who_has_no_links_is_told_how_to_make_one(tab: Client) -> None:
    assert "You share nothing." in text_of(tab.get("/shared/"))
    assert "You share nothing." in text_of(Client().get("/shared/"))
