from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.test import Client

from chat.accounts import sign_up
from chat.accounts.guests import guest_id
from chat.models import Conversation, Reply, Session, User
from chat.services.session_digest import session_digest
from chatsite.mailbox import Mailbox
from tests.chat.accounts.conftest import (
    PASSWORD,
    Worker,
    is_logged_in,
    log_in,
    submit_sign_up,
)
from tests.chat.pages import poll_url, text_of
from tests.cookie_names import GUEST, SESSION, TOKEN
from tests.dom import dom

pytestmark = pytest.mark.django_db


def test_a_guest_who_signs_up_keeps_row_and_conversations(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Tell me about bees")
    guest = User.objects.get()
    page = text_of(visitor.get("/account/sign-up/"))
    assert "Your conversation moves to your account" in page
    answer = submit_sign_up(visitor)
    assert (answer.status_code, answer["Location"]) == (303, "/?welcome")
    assert User.objects.get().pk == guest.pk
    assert User.objects.get().username == "bee"
    page = dom(visitor.get("/"))
    assert "Tell me about bees" in page.text
    assert "bee" in page.texts("bdi")
    second = Client()
    assert log_in(second)["Location"] == "/"
    assert "Tell me about bees" in text_of(second.get("/"))


def test_a_reply_in_progress_goes_on_through_the_sign_up(
    visitor: Client, say: Callable[..., None], worker: Worker
) -> None:
    say(visitor, "Tell me")
    claim = worker.claim()
    worker.write(claim, "Once ")
    page = visitor.get(f"/c/{Conversation.objects.get().pk}/")
    submit_sign_up(visitor)
    worker.write(claim, "upon", len("Once "))
    answer = visitor.get(poll_url(page))
    assert answer.status_code == 200
    assert "upon" in text_of(answer)


def test_a_poll_during_the_sign_up_is_answered(
    visitor: Client, say: Callable[..., None], worker: Worker, box: Mailbox
) -> None:
    say(visitor, "Tell me")
    worker.write(worker.claim(), "Once")
    page = visitor.get(f"/c/{Conversation.objects.get().pk}/")
    before = visitor.cookies[SESSION].value
    submit_sign_up(visitor)
    late = Client()
    late.cookies[SESSION] = before
    answer = late.get(poll_url(page))
    assert answer.status_code == 200
    assert not late.cookies[SESSION]["max-age"]  # nor takes a cookie away
    assert late.get("/account/password/").status_code == 303  # it opens nothing else
    assert 0 < box.connection.client.ttl(f"who:{session_digest(before)}") <= 5


def test_a_visitor_without_messages_signs_up(visitor: Client) -> None:
    assert "We send no email." in text_of(visitor.get("/account/sign-up/"))
    submit_sign_up(visitor, email="Bee@Example.org")
    user = User.objects.get()
    assert (user.username, user.email) == ("bee", "bee@example.org")
    assert is_logged_in(visitor)


def test_session_token_and_guest_cookie_are_replaced(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    visitor.get("/")
    before = {name: visitor.cookies[name].value for name in visitor.cookies}
    submit_sign_up(visitor)
    for name in (SESSION, TOKEN, GUEST):
        assert visitor.cookies[name].value != before[name], name
    thief = Client()
    for name in (SESSION, GUEST):
        thief.cookies[name] = before[name]
    assert "Hello" not in text_of(thief.get("/"))
    thief.post("/send/", {"text": "Mine?", "key": "k"})
    assert Conversation.objects.get(title="Mine?").owner != User.objects.named("bee")
    assert not is_logged_in(thief)


def test_other_sessions_of_the_guest_end(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    copy = Client()
    copy.force_login(User.objects.get())
    submit_sign_up(visitor)
    assert Session.objects.count() == 1
    assert "Hello" not in text_of(copy.get("/"))


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "x" * 41}, "name"),
        ({"name": "BEE"}, "name"),
        ({"name": "admin"}, "name"),
        ({"name": "r00t"}, "name"),
        ({"name": "adm1n"}, "name"),
        ({"name": "Adrnin"}, "name"),
        ({"name": "bee@example.org"}, "name"),
        ({"name": "pаypal"}, "name"),  # with a Cyrillic letter
        ({"name": "сосо"}, "name"),  # all of it Cyrillic
        ({"password": ""}, "password"),
        ({"password": "short"}, "password"),
        ({"password": "1234567890123"}, "password"),
        ({"password": "password1234"[:8]}, "password"),
        ({"name": "honeycomb", "password": "honeycomb1"}, "password"),
        ({"password": "x" * 513}, "password"),
        ({"email": "nowhere"}, "email"),
        ({"email": "BEE@example.org"}, "email"),
    ],
)
def test_errors_are_shown_beside_their_field_and_other_input_is_kept(
    typed: dict[str, str], field: str, account: User, visitor: Client
) -> None:
    given = {"name": "wasp", "password": PASSWORD, "email": "wasp@example.org", **typed}
    answer = visitor.post("/account/sign-up/", given)
    page = dom(answer)
    assert answer.status_code == 422
    assert f"#id_{field}_error" in page
    assert len(page.all(".errorlist")) == 1
    for name in {"name", "email"} - {field}:
        assert page.one(f"input[name={name}]")["value"] == given[name]
    assert not page.one("input[name=password]").get("value")
    assert User.objects.exclude(username=None).count() == 1
    assert not is_logged_in(visitor)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Wasp", "Wasp"),
        ("ＷＡＳＰ", "WASP"),
        ("Élise", "élise"),
        ("蜜蜂", "蜜蜂"),
        ("a.b-c_1", "a.b-c_1"),
    ],
)
def test_a_name_is_the_same_in_every_spelling(
    typed: str, kept: str, visitor: Client
) -> None:
    submit_sign_up(visitor, typed)
    assert User.objects.get().username == kept
    for way in (typed, typed.upper(), typed.lower(), f" {kept} "):
        assert log_in(Client(), way).status_code == 303
    assert submit_sign_up(Client(), typed.swapcase()).status_code == 422


def test_a_double_click_makes_one_account_and_both_answers_work(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    before = {name: visitor.cookies[name].value for name in visitor.cookies}
    submit_sign_up(visitor)
    twin = Client()
    for name, value in before.items():
        twin.cookies[name] = value
    assert submit_sign_up(twin).status_code == 303
    assert User.objects.count() == 1
    assert is_logged_in(twin)


def test_a_copied_cookie_opens_nothing_without_the_password(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    stolen = visitor.cookies[GUEST].value
    submit_sign_up(visitor)
    thief = Client()
    thief.cookies[GUEST] = stolen
    assert submit_sign_up(thief, password="not the same one").status_code == 422
    assert not is_logged_in(thief)


def test_two_tabs_that_sign_up_at_once_make_one_account(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    guest = User.objects.get()
    sign_up.create_account("bee", PASSWORD, guest=guest)
    with pytest.raises(sign_up.AlreadySignedUp):
        sign_up.create_account("wasp", PASSWORD, guest=guest)
    with pytest.raises(sign_up.NameTaken):
        sign_up.create_account("Bee", PASSWORD)
    assert User.objects.get().username == "bee"


def test_a_user_who_is_logged_in_cannot_sign_up(tab: Client) -> None:
    assert tab.get("/account/sign-up/")["Location"] == "/account/"


@pytest.mark.parametrize(
    ("then", "to"),
    [
        ("/settings/", "/settings/?welcome"),
        ("/search/?q=bees#q", "/search/?q=bees&welcome#q"),
        ("//evil.example", "/?welcome"),
        ("https://evil.example/", "/?welcome"),
        ("javascript:alert(1)", "/?welcome"),
        ("/\\evil.example", "/?welcome"),
        ("", "/?welcome"),
    ],
)
def test_it_redirects_to_paths_of_this_site_only(
    then: str, to: str, visitor: Client
) -> None:
    assert submit_sign_up(visitor, next=then)["Location"] == to


def test_a_limited_network_waits_and_keeps_its_input(
    visitor: Client, settings: LazySettings
) -> None:
    settings.NETWORK_SIGNUPS_PER_HOUR = 1
    submit_sign_up(visitor)
    answer = submit_sign_up(Client(), "wasp")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "Too many new accounts" in text_of(answer)
    assert "[value=wasp]" in dom(answer)
    assert User.objects.named("wasp") is None


def test_a_reply_keeps_its_row_through_the_sign_up(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    submit_sign_up(visitor)
    reply = Reply.objects.get()
    assert reply.message.owner == User.objects.get()


def test_without_a_guest_the_account_takes_the_id_of_the_cookie(
    visitor: Client,
) -> None:
    request = visitor.get("/").wsgi_request
    submit_sign_up(visitor)
    assert User.objects.get().pk == guest_id(request)
    assert isinstance(User.objects.get().pk, uuid.UUID)


def test_accounts_of_one_network_are_limited_and_input_is_kept(
    box: Mailbox, settings: LazySettings
) -> None:
    settings.NETWORK_SIGNUPS_PER_HOUR = 1
    assert submit_sign_up(Client(), "first").status_code == 303
    answer = submit_sign_up(Client(), "second")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert "Too many new accounts from your network" in text_of(answer)
    assert "[value=second]" in dom(answer)
    assert not User.objects.filter(username="second").exists()
