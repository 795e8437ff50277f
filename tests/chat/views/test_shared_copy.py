"""The page behind a shared link, as anyone with the address sees it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from chat.models import Conversation, SharedLink, User
from chat.services import conversation_deletion
from chat.services.sharing.links import make_link, renew, revoke
from tests.chat.conversation_data import long_conversation
from tests.chat.pages import text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk(owner: User) -> Conversation:
    owner.username, owner.email = "canary-owner", "canary@example.org"
    owner.instructions = "canary instructions"
    owner.save()
    return long_conversation(owner, 4)


def url_of(link: SharedLink) -> str:
    return f"/s/{link.secret}/"


def test_it_shows_the_frozen_messages_and_when_they_were_frozen(
    talk: Conversation,
) -> None:
    talk.messages.filter(text="reply 1").update(text="**bold** <b>no</b>")
    link = make_link(talk)
    page = dom(Client().get(url_of(link)))
    assert page.one("h1").text == "4 messages"
    assert "Shared copy of" in page.text
    assert ".reply .markdown strong" in page
    assert ".reply .markdown b" not in page
    assert len(page.values(".turn", "id")) == 4
    assert page.values(".turn", "id")[0] == "message-1"
    assert ".composer" not in page
    assert "#poller" not in page


def test_it_tells_nothing_of_the_owner_or_the_original(talk: Conversation) -> None:
    link = make_link(talk, has_details=True)
    answer = Client().get(url_of(link))
    said = text_of(answer) + str(answer.headers) + answer.cookies.output()
    ids = [talk.pk, talk.owner_id, link.pk, *talk.messages.values_list("pk", flat=True)]
    assert not [pk for pk in ids if str(pk) in said or pk.hex in said]
    assert "canary" not in said


def test_settings_and_instructions_show_only_where_they_are_wanted(
    talk: Conversation,
) -> None:
    for message in talk.messages.filter(role="assistant"):
        message.reply.instructions = "Answer in rhymes."
        message.reply.save()
    bare = text_of(Client().get(url_of(make_link(talk))))
    told = text_of(Client().get(url_of(make_link(talk, has_details=True))))
    assert "Answer in rhymes." not in bare
    assert "Seed" not in bare
    assert "Answer in rhymes." in told
    assert "Seed" in told


def test_no_search_engine_and_no_cache_keeps_it(talk: Conversation) -> None:
    answer = Client().get(url_of(make_link(talk)))
    assert "noindex" in answer["X-Robots-Tag"]
    assert dom(answer).values("meta[name=robots]", "content") == [
        "noindex, nofollow, noarchive"
    ]
    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "same-origin"


def test_it_is_gone_at_once_however_it_ends(
    talk: Conversation, owner: User, settings: Any
) -> None:
    def status(link: SharedLink) -> int:
        return Client().get(url_of(link)).status_code

    revoked, renewed, expired, kept = (make_link(talk) for _ in range(4))
    assert status(revoked) == status(renewed) == status(expired) == 200
    revoke(revoked)
    renew(renewed, has_new_address=True)
    SharedLink.objects.filter(pk=expired.pk).update(
        expires_at=timezone.now() - timedelta(microseconds=1)
    )
    assert status(revoked) == status(renewed) == status(expired) == 404
    settings.SHARING = "off"
    assert status(kept) == 404
    settings.SHARING = "visitors"
    conversation_deletion.delete(talk)
    assert status(kept) == 404


@pytest.mark.parametrize("secret", ["x", "x" * 32, "x" * 5000, "ä\x00", "%2e%2e"])
def test_a_wrong_address_leads_nowhere(talk: Conversation, secret: str) -> None:
    make_link(talk)
    assert Client().get(f"/s/{secret}/").status_code == 404


def test_a_long_copy_is_read_page_by_page_with_as_many_queries(
    owner: User, settings: Any, django_assert_max_num_queries: Any
) -> None:
    settings.MESSAGES_SHOWN = 10
    link = make_link(long_conversation(owner, 24))
    visitor = Client()
    with django_assert_max_num_queries(3):
        first = dom(visitor.get(url_of(link)))
    assert len(first.values(".turn", "id")) == 10
    assert first.values("a[rel=next]", "href") == ["?page=2"]
    assert "a[rel=prev]" not in first
    last = dom(visitor.get(f"{url_of(link)}?page=3"))
    assert last.values(".turn", "id")[-1] == "message-24"
    assert "a[rel=next]" not in last
    for wrong in ("0", "4", "-1", "x", "9" * 30, "1.5", "²"):
        assert visitor.get(f"{url_of(link)}?page={wrong}").status_code == 404


def test_without_guests_only_people_who_log_in_see_it_unless_everyone_may(
    talk: Conversation, settings: Any, client_of: Any
) -> None:
    link = make_link(talk)
    settings.GUESTS = False
    sent_away = Client().get(url_of(link))
    assert sent_away.status_code == 303
    assert re.search(r"/account/log-in/\?next=%2Fs%2F", sent_away["Location"])
    account = User.objects.create_user("reader", None)
    assert client_of(account).get(url_of(link)).status_code == 200
    settings.SHARING = "everyone"
    assert Client().get(url_of(link)).status_code == 200


def test_no_log_says_the_address_also_where_it_leads_nowhere(
    talk: Conversation, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    """A link of what was deleted opens again once that is restored."""
    link = make_link(talk)
    visitor = Client(raise_request_exception=False)
    visitor.get(url_of(link))
    visitor.post(f"{url_of(link)}continue/", {"x": "y"})
    visitor.get(f"{url_of(link)}?page=9")
    with monkeypatch.context() as patched:
        patched.setattr("chat.views.shared_copy.messages_per_page", lambda: 1 / 0)
        assert visitor.get(url_of(link)).status_code == 500
    conversation_deletion.delete(talk)
    assert visitor.get(url_of(link)).status_code == 404
    assert caplog.records
    assert link.secret not in caplog.text
