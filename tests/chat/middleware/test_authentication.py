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
from tests.chat.accounts.conftest import is_logged_in, log_in, signs_up
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
    newcomer: Client,
    say: Say,
    worker: Worker,
    box: Mailbox,
) -> None:
    say(newcomer, "Hello")
    worker.write(worker.claim(), "Once upon")
    conversation = Conversation.objects.get()
    page = newcomer.get(f"/c/{conversation.pk}/")
    way(newcomer)
    for key in box.connection.client.keys("who:*"):
        box.connection.client.delete(key)
    for _ in range(2):
        answer = newcomer.get(poll_url(page), headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert SESSION not in answer.cookies
    opened = newcomer.get("/")
    assert "Hello" in text_of(opened)
    assert "logged out" not in text_of(opened)
    text = {"text": "And then?", "key": "then"}
    path = f"/c/{conversation.pk}/send/"
    assert newcomer.post(path, text).status_code == 303
    assert conversation.messages.count() == 4
    assert newcomer.cookies[SESSION].value


def test_reading_begins_no_session_but_is_noted(newcomer: Client, say: Say) -> None:
    say(newcomer, "Hello")
    delete_session(newcomer)
    User.objects.update(seen_at=timezone.now() - timedelta(days=20))
    newcomer.get(f"/c/{Conversation.objects.get().pk}/")
    assert Session.objects.count() == 0
    assert User.objects.get().seen_at > timezone.now() - timedelta(minutes=1)


def test_a_program_reads_its_reply_with_the_guest_cookie_alone(
    box: Mailbox, newcomer: Client
) -> None:
    program = Client()
    body = {"text": "Hello"}
    sent = program.post("/api/v1/messages", body, content_type="application/json")
    assert sent.cookies[GUEST]["max-age"]
    delete_session(program)
    lose_session_cookie(program)
    assert program.get(sent.json()["url"]).status_code == 200
    assert newcomer.get(sent.json()["url"]).status_code == 404


def test_an_expired_session_cookie_alone_opens_no_guest(
    newcomer: Client, say: Say, box: Mailbox
) -> None:
    """The old session key opens nothing, and the mailbox does not remember it."""
    say(newcomer, "Hello")
    pk = User.objects.get().pk
    page = newcomer.get(f"/c/{Conversation.objects.get().pk}/")
    for key in (
        "k" * 32,
        str(pk),
        f"guest:{pk}",
        guest_digest(pk),
        session_digest(str(pk)),
    ):
        newcomer.cookies[SESSION] = key
        assert newcomer.get(poll_url(page)).status_code == 200
        thief = Client()
        thief.cookies[SESSION] = key
        assert thief.get(poll_url(page)).status_code == 404
        assert "Hello" not in text_of(thief.get("/"))


def test_a_forged_cookie_opens_nothing(newcomer: Client, say: Say) -> None:
    say(newcomer, "Hello")
    signature = guest_cookie.signed_value(uuid.uuid4()).split(":", 1)[1]
    pk = User.objects.get().pk
    for value in (str(pk), f"{pk}:{signature}", f"{pk}:", ":", "\xff"):
        forger = Client()
        forger.cookies[GUEST] = value
        assert "Hello" not in text_of(forger.get("/"))


def sign_up(guest: Client, account: User) -> None:
    signs_up(guest, "wasp")


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
    newcomer: Client,
    say: Say,
) -> None:
    say(newcomer, "Hello")
    path = f"/c/{Conversation.objects.get().pk}/"
    page = newcomer.get(path)
    thief = Client()
    thief.cookies[GUEST] = newcomer.cookies[GUEST].value
    assert thief.get(poll_url(page)).status_code == 200
    way(newcomer, account)
    assert "Hello" not in text_of(thief.get("/"))
    assert thief.get(poll_url(page)).status_code == 404
    assert thief.get(path).status_code == 404
    assert not is_logged_in(thief)


def test_without_guests_the_cookie_opens_nothing(
    newcomer: Client, say: Say, settings: LazySettings
) -> None:
    say(newcomer, "Hello")
    page = newcomer.get(f"/c/{Conversation.objects.get().pk}/")
    lose_session_cookie(newcomer)
    settings.GUESTS = False
    assert newcomer.get("/").status_code == 303
    answer = newcomer.get(poll_url(page))
    assert (answer.status_code, answer["HX-Redirect"]) == (404, "/?ended")
    url = f"/api/v1/replies/{Reply.objects.get().pk}"
    assert newcomer.get(url).status_code == 401


def test_a_guest_without_a_session_signs_up_and_keeps_everything(
    newcomer: Client, say: Say
) -> None:
    say(newcomer, "Hello")
    lose_session_cookie(newcomer)
    assert "Hello" in text_of(newcomer.get("/"))
    assert signs_up(newcomer).status_code == 303
    assert "Hello" in text_of(newcomer.get("/"))
    assert User.objects.get().username == "bee"


def test_a_late_answer_to_a_guests_poll_does_not_log_out_the_account(
    account: User, newcomer: Client, say: Say
) -> None:
    say(newcomer, "The guest's")
    page = newcomer.get(f"/c/{Conversation.objects.get().pk}/")
    late = Client()
    late.cookies = SimpleCookie(
        {name: newcomer.cookies[name].value for name in (SESSION, GUEST)}
    )
    log_in(newcomer)
    for address in (poll_url(page), f"/c/{Conversation.objects.get().pk}/"):
        answer = late.get(address, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert not {SESSION, GUEST} & set(answer.cookies)


def test_a_guest_without_cookies_learns_what_is_lost(
    newcomer: Client, say: Say
) -> None:
    say(newcomer, "Hello")
    page = newcomer.get(f"/c/{Conversation.objects.get().pk}/")
    emptied = Client()
    answer = emptied.get(poll_url(page))
    assert (answer.status_code, answer["HX-Redirect"]) == (404, "/?ended=guest")
    landed = text_of(emptied.get(answer["HX-Redirect"]))
    assert "lost the cookie that opens a guest" in landed
    assert "You were logged out" not in landed


def test_an_open_page_of_a_guest_works_after_the_sign_up(
    newcomer: Client, say: Say
) -> None:
    say(newcomer, "Hello")
    page = newcomer.get(f"/c/{Conversation.objects.get().pk}/")
    signs_up(newcomer)
    say(newcomer, "More")  # tells the page that something changed
    answer = newcomer.get(poll_url(page))
    delete_session(newcomer)
    assert newcomer.get(poll_url(answer))["HX-Redirect"] == "/?ended"


def test_a_guest_who_lost_the_cookie_gets_it_again(newcomer: Client, say: Say) -> None:
    say(newcomer, "Hello")
    del newcomer.cookies[GUEST]
    say(newcomer, "Again")
    lose_session_cookie(newcomer)
    assert "Hello" in text_of(newcomer.get("/"))
    assert User.objects.count() == 1
