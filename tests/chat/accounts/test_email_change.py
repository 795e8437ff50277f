from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import signing
from django.test import Client

from chat.accounts import email_change, mail
from chat.models import User
from tests.chat.accounts.conftest import PASSWORD, link_in, log_in
from tests.chat.pages import text_of

pytestmark = pytest.mark.django_db

NEW = "New@Example.org"


def change(client: Client, email: str = NEW, password: str = PASSWORD) -> Any:
    return client.post("/account/email/", {"email": email, "password": password})


def email_of(account: User) -> str:
    account.refresh_from_db()
    return account.email


def test_without_mail_an_address_is_saved_at_once(tab: Client, account: User) -> None:
    saved = change(tab)
    assert saved["Location"] == "/account/?email"
    assert "Your address was saved." in text_of(tab.get(saved["Location"]))
    assert email_of(account) == "new@example.org"
    assert log_in(Client(), "NEW@example.org").status_code == 303


def test_with_mail_an_address_is_saved_once_confirmed_and_the_old_one_gets_mail(
    tab: Client, account: User, sent_mails: Callable[[], list[Any]]
) -> None:
    assert change(tab)["Location"] == "/account/?sent"
    assert email_of(account) == "bee@example.org"
    (asked,) = sent_mails()
    assert asked.to == ["new@example.org"]
    assert asked.subject == "Confirm your address for chatsite"
    assert "https://chat.example.org/account/email/" in asked.body
    path = link_in(asked.body)
    elsewhere = Client()  # on a phone, where nobody is logged in
    assert "Is this your address?" in text_of(elsewhere.get(path))
    assert email_of(account) == "bee@example.org"
    assert "Your address is confirmed" in text_of(elsewhere.post(path))
    assert email_of(account) == "new@example.org"
    (told,) = sent_mails()
    assert told.to == ["bee@example.org"]
    assert elsewhere.post(path).status_code == 410


def test_the_page_says_which_address_waits_until_its_link_is_followed_or_void(
    tab: Client, account: User, sent_mails: Callable[[], list[Any]]
) -> None:
    def waits() -> bool:
        text = text_of(tab.get("/account/email/"))
        return "Waiting for confirmation: <bdi>n…@example.org</bdi>." in text

    assert not waits()
    change(tab)
    assert waits()
    path = link_in(sent_mails()[0].body)
    Client().post(path)  # on a phone
    assert not waits()
    change(tab, "next@example.org")
    assert waits()
    account.refresh_from_db()
    account.set_password("another long one")
    account.save()
    log_in(tab, account.username, "another long one")
    assert not waits()


def test_a_change_of_address_voids_older_links(
    tab: Client, account: User, sent_mails: Callable[[], list[Any]]
) -> None:
    change(tab, "first@example.org")
    change(tab, "second@example.org")
    first, second = (link_in(sent.body) for sent in sent_mails())
    tab.post(second)
    assert tab.post(first).status_code == 410
    assert email_of(account) == "second@example.org"


def test_a_new_password_voids_older_links(
    tab: Client, account: User, sent_mails: Callable[[], list[Any]]
) -> None:
    """An intruder who knew the old password may have requested the link."""
    change(tab, "thief@example.org")
    account.set_password("another long one")
    account.save()
    path = link_in(sent_mails()[0].body)
    assert Client().get(path).status_code == 410
    assert Client().post(path).status_code == 410
    assert email_of(account) == "bee@example.org"


def test_an_address_gets_few_mails(
    tab: Client, account: User, sent_mails: Callable[[], list[Any]]
) -> None:
    assert change(tab).status_code == 303
    for typed in (NEW, NEW.upper()):
        answer = change(tab, typed)
        assert answer.status_code == 422
        assert "We just sent an email there." in text_of(answer)
    assert len(sent_mails()) == 1


def test_an_address_can_be_removed(tab: Client, account: User) -> None:
    removed = change(tab, "")["Location"]
    assert email_of(account) == ""
    assert "Your address was removed." in text_of(tab.get(removed))


@pytest.mark.parametrize(
    ("email", "password"),
    [("nowhere", PASSWORD), (NEW, "wrong"), (NEW, ""), ("a@b@c", PASSWORD),
     (f"{'x' * 250}@example.org", PASSWORD), ("a@example.org\r\nBcc: b@c.org", PASSWORD)],
)  # fmt: skip
def test_invalid_input_changes_nothing(
    email: str, password: str, tab: Client, account: User
) -> None:
    answer = change(tab, email, password)
    assert answer.status_code == 422
    assert email_of(account) == "bee@example.org"


def test_an_address_belongs_to_one_account(
    tab: Client,
    account: User,
    sent_mails: Callable[[], list[Any]],
    settings: LazySettings,
) -> None:
    User.objects.create_user("wasp", "x", "wasp@example.org")
    assert change(tab, "WASP@example.org")["Location"] == "/account/?sent"
    (sent,) = sent_mails()
    assert "already belongs to yours" in " ".join(sent.body.split())
    settings.HAS_MAIL = False
    answer = change(tab, "WASP@example.org")
    assert answer.status_code == 422
    assert "Another account uses this address." in text_of(answer)


def test_the_page_says_if_an_address_was_taken_before_its_confirmation(
    tab: Client, account: User, sent_mails: Callable[[], list[Any]]
) -> None:
    change(tab)
    User.objects.create_user("wasp", "x", NEW.lower())
    answer = tab.post(link_in(sent_mails()[0].body))
    assert answer.status_code == 409
    assert email_of(account) == "bee@example.org"


@pytest.mark.parametrize(
    "token", ["x", "a:b:c", signing.dumps({"user": 1})], ids=["x", "colons", "signed"]
)
def test_invalid_links_are_refused(token: str, visitor: Client) -> None:
    assert visitor.get(f"/account/email/{token}/").status_code == 410


def test_a_link_expires(
    tab: Client, monkeypatch: pytest.MonkeyPatch, sent_mails: Callable[[], list[Any]]
) -> None:
    change(tab)
    path = link_in(sent_mails()[0].body)
    assert tab.get(path).status_code == 200
    monkeypatch.setattr(email_change, "LINK_SECONDS", -1)
    assert tab.get(path).status_code == 410


def test_a_failing_mail_server_breaks_no_request(
    tab: Client,
    sent_mails: Callable[[], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(NEW)

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    assert change(tab).status_code == 303
    mail.wait_until_sent()
    assert "a mail could not be sent: OSError" in caplog.text
    assert NEW not in caplog.text


def test_mail_beyond_the_limit_is_dropped(
    sent_mails: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch, account: User
) -> None:
    monkeypatch.setattr(mail, "WAITING_MAX", 0)
    mail.send_mail(NEW, "taken", {"user": account})
    assert sent_mails() == []


def test_links_mailed_for_one_network_are_limited(
    tab: Client,
    account: User,
    sent_mails: Callable[[], list[Any]],
    settings: LazySettings,
) -> None:
    settings.NETWORK_MAILS_PER_HOUR = 1
    assert change(tab)["Location"] == "/account/?sent"
    answer = change(tab, "other@example.org")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert "Too many links" in text_of(answer)
    assert "other@example.org" in text_of(answer)
    forgotten = Client().post("/account/forgotten/", {"email": "bee@example.org"})
    assert forgotten.status_code == 429
    assert len(sent_mails()) == 1
