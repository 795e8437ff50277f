"""A guest whose session is gone goes on with the cookie."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from chat.accounts import account_deletion, guest_cookie, guest_merge
from chat.accounts.session_end import end_sessions
from chat.models import Conversation, Reply, Session, User
from chat.services.session_digest import guest_digest, session_digest
from chatsite.mailbox import Mailbox
from tests.chat.accounts.conftest import is_logged_in, log_in, submit_sign_up
from tests.chat.conftest import Worker
from tests.chat.pages import poll_url, text_of
from tests.cookie_names import GUEST, SESSION

pytestmark = pytest.mark.django_db

Say = Callable[..., None]


def expire_session(client: Client) -> None:
    late = timezone.now() - timedelta(seconds=1)
    Session.objects.update(expire_date=late)


def delete_session(client: Client) -> None:
    end_sessions(Session.objects.all())


def lose_session_cookie(client: Client) -> None:
    del client.cookies[SESSION]


def overwrite_session_cookie(client: Client) -> None:
    client.cookies[SESSION] = "k" * 32


WAYS_TO_LOSE_A_SESSION = (
    expire_session,
    delete_session,
    lose_session_cookie,
    overwrite_session_cookie,
)


def with_cookie_of(pk: uuid.UUID, **cookies: str) -> Client:
    client = Client()
    client.cookies = SimpleCookie({GUEST: guest_cookie.signed_value(pk), **cookies})
    return client


@pytest.mark.parametrize("way", WAYS_TO_LOSE_A_SESSION)
def test_polls_go_on_and_the_next_message_belongs_to_the_guest(
    way: Callable[[Client], None],
    visitor: Client,
    say: Say,
    worker: Worker,
    box: Mailbox,
) -> None:
    say(visitor, "Hello")
    worker.write(worker.claim(), "Once upon")
    conversation = Conversation.objects.get()
    page = visitor.get(f"/c/{conversation.pk}/")
    way(visitor)
    for key in box.connection.client.keys("who:*"):
        box.connection.client.delete(key)
    for _ in range(2):
        answer = visitor.get(poll_url(page), headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert SESSION not in answer.cookies
    opened = visitor.get("/")
    assert "Hello" in text_of(opened)
    assert "logged out" not in text_of(opened)
    text = {"text": "And then?", "key": "then"}
    path = f"/c/{conversation.pk}/send/"
    assert visitor.post(path, text).status_code == 303
    assert conversation.messages.count() == 4
    assert visitor.cookies[SESSION].value


def test_reading_begins_no_session_but_is_noted(visitor: Client, say: Say) -> None:
    say(visitor, "Hello")
    delete_session(visitor)
    User.objects.update(seen_at=timezone.now() - timedelta(days=20))
    visitor.get(f"/c/{Conversation.objects.get().pk}/")
    assert Session.objects.count() == 0
    assert User.objects.get().seen_at > timezone.now() - timedelta(minutes=1)


def test_a_program_reads_its_reply_with_the_guest_cookie_alone(
    box: Mailbox, visitor: Client
) -> None:
    program = Client()
    body = {"text": "Hello"}
    sent = program.post("/api/v1/messages", body, content_type="application/json")
    assert sent.cookies[GUEST]["max-age"]
    delete_session(program)
    lose_session_cookie(program)
    assert program.get(sent.json()["url"]).status_code == 200
    assert visitor.get(sent.json()["url"]).status_code == 404


def test_a_session_key_alone_opens_no_guest(
    visitor: Client, say: Say, box: Mailbox
) -> None:
    """Neither a key sent beside the guest cookie, nor a name that the mailbox caches."""
    say(visitor, "Hello")
    pk = User.objects.get().pk
    page = visitor.get(f"/c/{Conversation.objects.get().pk}/")
    for key in (
        "k" * 32,
        str(pk),
        f"guest:{pk}",
        guest_digest(pk),
        session_digest(str(pk)),
    ):
        visitor.cookies[SESSION] = key
        assert visitor.get(poll_url(page)).status_code == 200
        thief = Client()
        thief.cookies[SESSION] = key
        assert thief.get(poll_url(page)).status_code == 404
        assert "Hello" not in text_of(thief.get("/"))


def test_a_forged_cookie_opens_nothing(visitor: Client, say: Say) -> None:
    say(visitor, "Hello")
    signature = guest_cookie.signed_value(uuid.uuid4()).split(":", 1)[1]
    pk = User.objects.get().pk
    for value in (str(pk), f"{pk}:{signature}", f"{pk}:", ":", "\xff"):
        forger = Client()
        forger.cookies[GUEST] = value
        assert "Hello" not in text_of(forger.get("/"))


def sign_up(guest: Client, account: User) -> None:
    submit_sign_up(guest, "wasp")


def erase(guest: Client, account: User) -> None:
    account_deletion.erase_account(User.objects.get(username=None))


def merge(guest: Client, account: User) -> None:
    guest_merge.merge_guest(User.objects.get(username=None).pk, account)


def make_inactive(guest: Client, account: User) -> None:
    User.objects.filter(username=None).update(is_active=False)


@pytest.mark.parametrize("way", [sign_up, erase, merge, make_inactive])
def test_the_cookie_of_a_former_guest_opens_nothing(
    way: Callable[[Client, User], None],
    account: User,
    visitor: Client,
    say: Say,
) -> None:
    say(visitor, "Hello")
    path = f"/c/{Conversation.objects.get().pk}/"
    page = visitor.get(path)
    thief = Client()
    thief.cookies[GUEST] = visitor.cookies[GUEST].value
    assert thief.get(poll_url(page)).status_code == 200
    way(visitor, account)
    assert "Hello" not in text_of(thief.get("/"))
    assert thief.get(poll_url(page)).status_code == 404
    assert thief.get(path).status_code == 404
    assert not is_logged_in(thief)


def test_without_guests_the_cookie_opens_nothing(
    visitor: Client, say: Say, settings: LazySettings
) -> None:
    say(visitor, "Hello")
    page = visitor.get(f"/c/{Conversation.objects.get().pk}/")
    lose_session_cookie(visitor)
    settings.GUESTS = False
    assert visitor.get("/").status_code == 303
    answer = visitor.get(poll_url(page))
    assert (answer.status_code, answer["HX-Redirect"]) == (404, "/?ended")
    url = f"/api/v1/replies/{Reply.objects.get().pk}"
    assert visitor.get(url).status_code == 401


def test_a_guest_without_a_session_signs_up_and_keeps_everything(
    visitor: Client, say: Say
) -> None:
    say(visitor, "Hello")
    lose_session_cookie(visitor)
    assert "Hello" in text_of(visitor.get("/"))
    assert submit_sign_up(visitor).status_code == 303
    assert "Hello" in text_of(visitor.get("/"))
    assert User.objects.get().username == "bee"


def test_a_late_answer_to_a_guests_poll_does_not_log_out_the_account(
    account: User, visitor: Client, say: Say
) -> None:
    say(visitor, "The guest's")
    page = visitor.get(f"/c/{Conversation.objects.get().pk}/")
    late = Client()
    late.cookies = SimpleCookie(
        {name: visitor.cookies[name].value for name in (SESSION, GUEST)}
    )
    log_in(visitor)
    for address in (poll_url(page), f"/c/{Conversation.objects.get().pk}/"):
        answer = late.get(address, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert not {SESSION, GUEST} & set(answer.cookies)


def test_a_guest_without_cookies_learns_what_is_lost(visitor: Client, say: Say) -> None:
    say(visitor, "Hello")
    page = visitor.get(f"/c/{Conversation.objects.get().pk}/")
    emptied = Client()
    answer = emptied.get(poll_url(page))
    assert (answer.status_code, answer["HX-Redirect"]) == (404, "/?ended=guest")
    landed = text_of(emptied.get(answer["HX-Redirect"]))
    assert "lost the cookie that opens your" in landed
    assert "You’ve been logged out" not in landed


def test_an_open_page_of_a_guest_works_after_the_sign_up(
    visitor: Client, say: Say
) -> None:
    say(visitor, "Hello")
    page = visitor.get(f"/c/{Conversation.objects.get().pk}/")
    submit_sign_up(visitor)
    say(visitor, "More")  # tells the page that something changed
    answer = visitor.get(poll_url(page))
    delete_session(visitor)
    assert visitor.get(poll_url(answer))["HX-Redirect"] == "/?ended"


def test_a_guest_who_lost_the_cookie_gets_it_again(visitor: Client, say: Say) -> None:
    say(visitor, "Hello")
    del visitor.cookies[GUEST]
    say(visitor, "Again")
    lose_session_cookie(visitor)
    assert "Hello" in text_of(visitor.get("/"))
    assert User.objects.count() == 1
