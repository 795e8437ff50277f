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


def test_where_no_mail_leaves_it_holds_at_once(tab: Client, account: User) -> None:
    saved = change(tab)
    assert saved["Location"] == "/account/?email"
    assert "Your address was saved." in text_of(tab.get(saved["Location"]))
    assert email_of(account) == "new@example.org"
    assert log_in(Client(), "NEW@example.org").status_code == 303


def test_where_mail_leaves_it_holds_once_confirmed_and_the_old_one_is_told(
    tab: Client, account: User, mails: Callable[[], list[Any]]
) -> None:
    assert change(tab)["Location"] == "/account/?sent"
    assert email_of(account) == "bee@example.org"
    (asked,) = mails()
    assert asked.to == ["new@example.org"]
    assert asked.subject == "Confirm your address for chatsite"
    assert "https://chat.example.org/account/email/" in asked.body
    path = link_in(asked.body)
    elsewhere = Client()  # on a phone, where nobody is logged in
    assert "Is this your address?" in text_of(elsewhere.get(path))
    assert email_of(account) == "bee@example.org"
    assert "Your address was saved." in text_of(elsewhere.post(path))
    assert email_of(account) == "new@example.org"
    (told,) = mails()
    assert told.to == ["bee@example.org"]
    assert elsewhere.post(path).status_code == 410


def test_a_link_is_overtaken_by_a_change(
    tab: Client, account: User, mails: Callable[[], list[Any]]
) -> None:
    change(tab, "first@example.org")
    change(tab, "second@example.org")
    first, second = (link_in(sent.body) for sent in mails())
    tab.post(second)
    assert tab.post(first).status_code == 410
    assert email_of(account) == "second@example.org"


def test_a_link_is_overtaken_by_a_new_password(
    tab: Client, account: User, mails: Callable[[], list[Any]]
) -> None:
    """Whoever knew the old one may have asked for it."""
    change(tab, "thief@example.org")
    account.set_password("another long one")
    account.save()
    path = link_in(mails()[0].body)
    assert Client().get(path).status_code == 410
    assert Client().post(path).status_code == 410
    assert email_of(account) == "bee@example.org"


def test_nobody_has_a_mailbox_flooded(
    tab: Client, account: User, mails: Callable[[], list[Any]]
) -> None:
    assert change(tab).status_code == 303
    for typed in (NEW, NEW.upper()):
        answer = change(tab, typed)
        assert answer.status_code == 422
        assert "A mail was sent there a moment ago." in text_of(answer)
    assert len(mails()) == 1


def test_it_can_be_taken_away(tab: Client, account: User) -> None:
    removed = change(tab, "")["Location"]
    assert email_of(account) == ""
    assert "Your address was removed." in text_of(tab.get(removed))


@pytest.mark.parametrize(
    ("email", "password"),
    [("nowhere", PASSWORD), (NEW, "wrong"), (NEW, ""), ("a@b@c", PASSWORD),
     (f"{'x' * 250}@example.org", PASSWORD), ("a@example.org\r\nBcc: b@c.org", PASSWORD)],
)  # fmt: skip
def test_what_cannot_be_changes_nothing(
    email: str, password: str, tab: Client, account: User
) -> None:
    answer = change(tab, email, password)
    assert answer.status_code == 422
    assert email_of(account) == "bee@example.org"


def test_an_address_has_one_account(
    tab: Client, account: User, mails: Callable[[], list[Any]], settings: LazySettings
) -> None:
    User.objects.create_user("wasp", "x", "wasp@example.org")
    assert change(tab, "WASP@example.org")["Location"] == "/account/?sent"
    (sent,) = mails()
    assert "belongs to yours already" in " ".join(sent.body.split())
    settings.HAS_MAIL = False
    answer = change(tab, "WASP@example.org")
    assert answer.status_code == 422
    assert "Another account here has this address." in text_of(answer)


def test_an_address_taken_before_it_was_confirmed_is_said(
    tab: Client, account: User, mails: Callable[[], list[Any]]
) -> None:
    change(tab)
    User.objects.create_user("wasp", "x", NEW.lower())
    answer = tab.post(link_in(mails()[0].body))
    assert answer.status_code == 409
    assert email_of(account) == "bee@example.org"


@pytest.mark.parametrize(
    "token", ["x", "a:b:c", signing.dumps({"user": 1})], ids=["x", "colons", "signed"]
)
def test_other_links_are_good_for_nothing(token: str, newcomer: Client) -> None:
    assert newcomer.get(f"/account/email/{token}/").status_code == 410


def test_a_link_holds_for_a_day(
    tab: Client, monkeypatch: pytest.MonkeyPatch, mails: Callable[[], list[Any]]
) -> None:
    change(tab)
    path = link_in(mails()[0].body)
    assert tab.get(path).status_code == 200
    monkeypatch.setattr(email_change, "LINK_SECONDS", -1)
    assert tab.get(path).status_code == 410


def test_a_server_that_takes_no_mail_harms_nobody(
    tab: Client,
    mails: Callable[[], list[Any]],
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


def test_a_crowd_of_mail_is_not_taken(
    mails: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch, account: User
) -> None:
    monkeypatch.setattr(mail, "WAITING_MAX", 0)
    mail.send_mail(NEW, "taken", {"user": account})
    assert mails() == []


def test_a_network_has_only_so_many_links_mailed(
    tab: Client,
    account: User,
    mails: Callable[[], list[Any]],
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
    assert len(mails()) == 1
