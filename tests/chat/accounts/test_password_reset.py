from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory

from chat.accounts.password_reset import reset_link
from chat.models import User
from tests.chat.accounts.conftest import OTHER, is_logged_in, link_in, log_in
from tests.chat.pages import text_of
from tests.dom import dom
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


def ask(client: Client, email: str) -> Any:
    return client.post("/account/forgotten/", {"email": email})


def path_of(user: User) -> str:
    return link_in(reset_link(user))


def test_the_link_in_the_mail_leads_to_a_new_password(
    account: User, visitor: Client, sent_mails: Callable[[], list[Any]],
    client_of: Callable[[User], Client],
) -> None:  # fmt: skip
    other = client_of(account)
    answer = ask(visitor, "BEE@example.org")
    assert answer["Location"] == "/account/forgotten/?sent"
    (sent,) = sent_mails()
    assert sent.to == ["bee@example.org"]
    assert sent.body.startswith("Someone, hopefully you,")
    answer = visitor.get(link_in(sent.body))
    page = answer["Location"]
    assert page == f"/account/reset/{account.pk}/set/"
    assert "bee" in dom(visitor.get(page)).texts("main bdi")
    answer = visitor.post(page, {"new": OTHER})
    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert is_logged_in(visitor)
    assert not is_logged_in(other)
    assert log_in(Client(), "bee", OTHER).status_code == 303
    assert Client().get(link_in(sent.body)).status_code == 410


def test_the_answer_is_the_same_for_known_and_unknown_addresses(
    account: User, visitor: Client, sent_mails: Callable[[], list[Any]]
) -> None:
    User.objects.create_user("wasp", "x")
    known, unknown = ask(visitor, "bee@example.org"), ask(visitor, "x@example.org")
    assert known["Location"] == unknown["Location"]
    assert len(sent_mails()) == 1
    assert ask(visitor, "nothing").status_code == 422


def test_an_address_gets_few_links(
    account: User, visitor: Client, sent_mails: Callable[[], list[Any]], valkey: Valkey
) -> None:
    for _ in range(5):
        ask(visitor, "bee@example.org")
    assert len(sent_mails()) == 1
    valkey.client.flushall()
    ask(visitor, "bee@example.org")
    assert len(sent_mails()) == 1


def test_the_host_of_a_request_never_gets_into_mail(
    account: User, visitor: Client, sent_mails: Callable[[], list[Any]],
    settings: LazySettings, valkey: Valkey,
) -> None:  # fmt: skip
    settings.SITE_URL, settings.ALLOWED_HOSTS = "", ["*"]
    evil = {"Host": "evil.example"}
    visitor.post("/account/forgotten/", {"email": "bee@example.org"}, headers=evil)
    assert sent_mails() == []
    assert "This site sends no email." in text_of(visitor.get("/account/forgotten/"))
    settings.SITE_URL = "https://chat.example.org"
    visitor.post("/account/forgotten/", {"email": "bee@example.org"}, headers=evil)
    assert "https://chat.example.org/account/reset/" in sent_mails()[0].body


def test_without_mail_the_page_says_whom_to_ask(visitor: Client) -> None:
    assert "Ask the site admin" in text_of(visitor.get("/account/forgotten/"))


def test_the_address_of_the_form_does_not_contain_the_token(
    account: User, visitor: Client
) -> None:
    path = path_of(account)
    token = path.rstrip("/").rpartition("/")[2]
    page = visitor.get(path, follow=True)
    assert page.redirect_chain
    assert token not in text_of(page)
    assert token not in page.wsgi_request.path


def test_a_weak_password_is_refused_and_the_link_stays_valid(
    account: User, visitor: Client
) -> None:
    page = visitor.get(path_of(account))["Location"]
    assert visitor.post(page, {"new": "short"}).status_code == 422
    assert visitor.post(page, {"new": OTHER}).status_code == 303


def test_a_log_in_or_a_new_password_voids_a_link(
    account: User, visitor: Client
) -> None:
    path = path_of(account)
    page = visitor.get(path)["Location"]
    log_in(Client())
    assert visitor.post(page, {"new": OTHER}).status_code == 410
    account.refresh_from_db()
    assert Client().get(path).status_code == 410


def test_a_link_works_for_its_account_only(account: User, visitor: Client) -> None:
    wasp = User.objects.create_user("wasp", "x")
    path = path_of(account).replace(str(account.pk), str(wasp.pk))
    assert visitor.get(path).status_code == 410
    visitor.get(path_of(account))
    assert visitor.get(f"/account/reset/{wasp.pk}/set/").status_code == 410
    assert Client().get(f"/account/reset/{account.pk}/set/").status_code == 410


def test_after_a_reset_the_guest_is_asked_to_merge(
    account: User, visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    page = visitor.get(path_of(account))["Location"]
    answer = visitor.post(page, {"new": OTHER})
    assert answer["Location"].startswith("/account/merge/")


def test_the_command_prints_a_link(account: User, settings: LazySettings) -> None:
    said = StringIO()
    call_command("reset_link", "Bee@example.org", stdout=said)
    assert said.getvalue().startswith(
        f"http://127.0.0.1:{settings.PORT}/account/reset/"
    )
    settings.SITE_URL = "https://chat.example.org"
    said = StringIO()
    call_command("reset_link", "BEE", stdout=said)
    assert said.getvalue().startswith("https://chat.example.org/account/reset/")
    assert Client().get(link_in(said.getvalue())).status_code == 303


def test_no_link_is_made_for_unknown_or_closed_users(
    account: User, owner: User
) -> None:
    with pytest.raises(CommandError, match="no account"):
        call_command("reset_link", "wasp")
    for user in (owner, account):
        user.close()
        with pytest.raises(ValueError):
            reset_link(user)


def test_a_link_made_in_a_request_has_the_host_of_the_request(account: User) -> None:
    request = RequestFactory().get("/")
    assert reset_link(account, request).startswith("http://testserver/account/reset/")
