"""The email address at sign-up, on a site that sends mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from chat.models import User
from tests.chat.accounts.conftest import (
    link_in,
    submit_sign_up,
)
from tests.chat.pages import text_of

pytestmark = pytest.mark.django_db


def test_with_mail_an_address_is_saved_once_confirmed(
    visitor: Client, sent_mails: Callable[[], list[Any]]
) -> None:
    assert "if you forget your password" in text_of(visitor.get("/account/sign-up/"))
    answer = submit_sign_up(visitor, email="bee@example.org")
    assert answer["Location"] == "/account/?sent&welcome"
    assert "We sent a confirmation link" in text_of(
        visitor.get("/account/?sent&welcome")
    )
    assert User.objects.get().email == ""
    (sent,) = sent_mails()
    assert sent.to == ["bee@example.org"]
    path = link_in(sent.body)
    assert visitor.get(path).status_code == 200
    assert User.objects.get().email == ""  # programs follow links, too
    visitor.post(path)
    assert User.objects.get().email == "bee@example.org"


def test_with_mail_the_page_does_not_reveal_known_addresses(
    account: User, visitor: Client, sent_mails: Callable[[], list[Any]]
) -> None:
    assert submit_sign_up(visitor, "wasp", email="bee@example.org").status_code == 303
    (sent,) = sent_mails()
    assert "already belongs to yours" in " ".join(sent.body.split())
    assert "http" not in sent.body
