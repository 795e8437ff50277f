"""Accounts whose passwords cost nothing to check, browsers, and the forms of log-in.

Workers that a test controls and sent messages come from ``tests.chat.conftest``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client

from chat.accounts import mail as account_mail
from chat.models import User
from chatsite.mailbox import Mailbox
from tests.chat.accounts.canary import canary_user, saved_rows
from tests.chat.accounts.passwords import OTHER, PASSWORD
from tests.chat.accounts.throttled_views import clock, throttle_settings, user
from tests.chat.conftest import Worker, committed, sent, worker

__all__ = [
    "OTHER",
    "PASSWORD",
    "Worker",
    "canary_user",
    "clock",
    "committed",
    "saved_rows",
    "sent",
    "throttle_settings",
    "user",
    "worker",
]


@pytest.fixture(autouse=True)
def _passwords_are_cheap(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def account(db: None) -> User:
    return User.objects.create_user("bee", PASSWORD, "bee@example.org")


@pytest.fixture
def guest(owner: User) -> User:
    """A guest without an account."""
    return owner


@pytest.fixture
def tab(account: User, client_of: Callable[[User], Client], box: Mailbox) -> Client:
    """A browser in which the account is logged in."""
    return client_of(account)


@pytest.fixture
def visitor(box: Mailbox) -> Client:
    """A browser without an account that has opened the first page."""
    client = Client()
    client.get("/")
    return client


@pytest.fixture
def say(
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> Callable[[Client, str], None]:
    def say_now(client: Client, text: str) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post("/send/", {"text": text, "key": text})
        assert answer.status_code == 303

    return say_now


@pytest.fixture
def sent_mails(settings: LazySettings) -> Iterator[Callable[[], list[Any]]]:
    """Make the site send mail; returns the mail since the last call."""
    settings.HAS_MAIL = True
    settings.SITE_URL = "https://chat.example.org"

    def sent_since() -> list[Any]:
        account_mail.wait_until_sent()
        found = list(mail.outbox)
        mail.outbox.clear()
        return found

    yield sent_since
    account_mail.wait_until_sent()


def log_in(client: Client, name: str = "bee", password: str = PASSWORD) -> Any:
    return client.post("/account/log-in/", {"name": name, "password": password})


def submit_sign_up(client: Client, name: str = "bee", **more: str) -> Any:
    typed = {"name": name, "password": PASSWORD, "email": "", **more}
    return client.post("/account/sign-up/", typed)


def link_in(text: str) -> str:
    """Return the path of the only link in a text."""
    (found,) = re.findall(r"https?://[^/\s]+(/\S*)", text)
    return str(found)


def is_logged_in(client: Client) -> bool:
    return client.get("/account/password/").status_code == 200
