from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from chat.models import Session, User
from tests.chat.accounts.conftest import PASSWORD, is_logged_in, log_in
from tests.chat.pages import text_of
from tests.cookie_names import SESSION
from tests.dom import dom

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "name", ["bee", "BEE", " bee ", "bee@example.org", "Bee@Example.ORG"]
)
def test_log_in_works_by_name_or_address_in_any_case(
    name: str, account: User, visitor: Client
) -> None:
    answer = log_in(visitor, name)
    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert is_logged_in(visitor)
    assert Session.objects.get().user == account


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("bee", "wrong"),
        ("wasp", PASSWORD),
        ("wasp@example.org", PASSWORD),
        ("", PASSWORD),
        ("bee", ""),
        ("bee\x00", PASSWORD),
        ("x" * 300, PASSWORD),
        ("%", PASSWORD),
        ("b__", PASSWORD),
    ],
)
def test_every_refusal_reads_the_same_and_keeps_the_name(
    name: str, password: str, account: User, visitor: Client
) -> None:
    answer = log_in(visitor, name, password)
    page = dom(answer)
    assert answer.status_code == 422
    assert not is_logged_in(visitor)
    if name == "wasp":
        assert page.one("input[name=name]")["value"] == name
    assert not page.one("input[name=password]").get("value")


def test_unknown_names_and_wrong_passwords_get_the_same_answer(
    account: User, visitor: Client
) -> None:
    def said(name: str) -> tuple[str, list[str]]:
        page = dom(log_in(visitor, name, "wrong"))
        kept = page.values("input[value]:not([name=csrfmiddlewaretoken])", "value")
        return page.text, [value for value in kept if value != name]

    first, second = said("bee"), said("wasp")
    assert "Wrong name or password." in first[0]
    assert first == second


def test_no_guest_has_a_password(visitor: Client, owner: User) -> None:
    for name in (str(owner.pk), "", "None"):
        assert log_in(visitor, name, "").status_code == 422


@pytest.mark.parametrize(
    ("then", "to"),
    [
        ("/settings/?saved", "/settings/?saved"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("settings/", "/"),
    ],
)
def test_it_redirects_to_paths_of_this_site_only(
    then: str, to: str, account: User, visitor: Client
) -> None:
    typed = {"name": "bee", "password": PASSWORD, "next": then}
    assert visitor.post("/account/log-in/", typed)["Location"] == to
    visitor.post("/account/log-out/")
    page = dom(visitor.get("/account/log-in/", {"next": then}))
    assert page.one("input[name=next]")["value"] == to


def test_a_user_who_is_logged_in_sees_the_account(tab: Client) -> None:
    assert tab.get("/account/log-in/")["Location"] == "/account/"


def test_log_in_begins_a_new_session(account: User, visitor: Client) -> None:
    session = visitor.session
    session["planted"] = True
    session.save()
    visitor.cookies[SESSION] = session.session_key
    log_in(visitor)
    assert visitor.cookies[SESSION].value != session.session_key


def test_log_in_requires_a_csrf_token(account: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert log_in(strict).status_code == 403


def test_a_guest_with_conversations_is_asked_to_merge_first(
    account: User, visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    typed = {"name": "bee", "password": PASSWORD, "next": "/settings/"}
    answer = visitor.post("/account/log-in/", typed)
    assert answer["Location"] == "/account/merge/?next=%2Fsettings%2F"
    assert "Hello" not in text_of(visitor.get("/"))


def test_a_closed_account_cannot_log_in(account: User, visitor: Client) -> None:
    account.close()
    assert log_in(visitor).status_code == 422
