"""The page of API keys."""

from __future__ import annotations

import re
import shlex
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from chat.accounts import api_keys
from chat.models import ApiKey, User
from tests.chat.pages import text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db
PAGE = "/account/keys/"


def typed(**fields: Any) -> dict[str, Any]:
    filled = {"id": uuid.uuid4(), "name": "A bot", "can_chat": "on", "expiry": "never"}
    given = {**filled, "keeps_conversations": "on", **fields}
    return {name: value for name, value in given.items() if value is not None}


def test_a_new_key_is_shown_once_with_a_call_that_works(
    tab: Client, account: User
) -> None:
    answer = tab.post(PAGE, typed())
    secret = dom(answer).one("#link")["value"]
    key = ApiKey.objects.get()
    assert api_keys.key_of(secret) == key
    assert (key.owner, key.name, key.keeps_conversations) == (account, "A bot", True)
    words = shlex.split(dom(answer).one("#example").text.replace("\\\n", ""))
    assert words[:2] == ["curl", "http://testserver/v1/chat/completions"]
    assert f"Authorization: Bearer {secret}" in words
    again = text_of(tab.get(PAGE))
    assert secret not in again
    assert key.prefix in again
    assert secret not in str([*ApiKey.objects.values()])


def test_a_form_that_is_sent_twice_makes_one_key(tab: Client) -> None:
    form = typed()
    tab.post(PAGE, form)
    answer = tab.post(PAGE, form, follow=True)
    assert "was made before" in text_of(answer)
    assert ApiKey.objects.count() == 1


def test_everything_about_a_key_can_be_chosen(tab: Client) -> None:
    last_day = timezone.localdate() + timedelta(days=7)
    limits = {"prompts_per_minute": "3", "prompts_per_day": "", "tokens_per_day": "500"}
    scopes = {"can_chat": None, "can_read_history": "on", "can_batch": "on"}
    more = {"keeps_conversations": None, "is_helper": "on"}
    tab.post(PAGE, typed(expiry="date", date=last_day, **limits, **scopes, **more))
    key = ApiKey.objects.get()
    assert (key.can_chat, key.can_read_history, key.can_batch) == (False, True, True)
    assert (key.keeps_conversations, key.is_helper) == (False, True)
    assert key.limits == {"prompts_per_minute": 3, "tokens_per_day": 500}
    assert key.expires_at is not None
    assert timedelta(7) < key.expires_at - timezone.now() <= timedelta(8)
    text = text_of(tab.get(PAGE))
    assert "3 of 3 messages left this minute" in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "  "},
        {"name": "x" * 61},
        {"can_chat": None},
        {"expiry": "date"},
        {"expiry": "date", "date": "2020-01-01"},
        {"expiry": "date", "date": "9999-12-31"},
        {"expiry": "7"},
        {"tokens_per_day": "0"},
        {"id": "x"},
    ],
)
def test_a_wrong_form_makes_no_key_and_stays_filled_in(
    wrong: dict[str, Any], tab: Client
) -> None:
    answer = tab.post(PAGE, typed(prompts_per_day="77", **wrong))
    assert answer.status_code == 422
    assert '[value="77"]' in dom(answer)
    assert not ApiKey.objects.exists()


def test_a_revoked_key_stays_in_the_list_and_no_longer_works(tab: Client) -> None:
    secret = dom(tab.post(PAGE, typed())).one("#link")["value"]
    (form,) = dom(tab.get(PAGE)).all("details form")
    answer = tab.post(form["action"], follow=True)
    assert "It no longer works." in text_of(answer)
    assert "Revoked" in text_of(answer)
    assert dom(answer).all(".keys details") == []
    assert api_keys.key_of(secret) is None


def test_an_account_has_so_many_usable_keys_at_most(
    tab: Client, account: User, settings: LazySettings
) -> None:
    settings.API_KEYS_MAX = 2
    late = timezone.now() - timedelta(days=1)
    api_keys.make_key(account, "expired", expires_at=late)
    for _ in range(2):
        tab.post(PAGE, typed())
    assert tab.post(PAGE, typed()).status_code == 422
    assert "as many keys as it may have" in text_of(tab.get(PAGE))
    assert ApiKey.objects.count() == 3


def test_a_guest_is_told_to_sign_up(visitor: Client, settings: LazySettings) -> None:
    assert "/account/sign-up/" in text_of(visitor.get(PAGE))
    assert visitor.post(PAGE, typed()).status_code == 303
    settings.GUESTS = False
    assert visitor.get(PAGE).status_code == 303
    assert not ApiKey.objects.exists()


def test_a_new_password_says_that_keys_go_on_working(
    tab: Client, account: User
) -> None:
    assert "API keys keep working" not in text_of(tab.get("/account/password/"))
    api_keys.make_key(account, "A bot")
    assert "API keys keep working" in text_of(tab.get("/account/password/"))


def test_the_use_of_a_key_is_noted_to_the_minute(account: User) -> None:
    _, secret = api_keys.make_key(account, "A bot")
    for _ in range(2):
        api_keys.key_of(secret)
    noted = ApiKey.objects.get().last_used_at
    assert noted is not None
    earlier = noted - timedelta(seconds=30)
    ApiKey.objects.update(last_used_at=earlier)
    api_keys.key_of(secret)
    assert ApiKey.objects.get().last_used_at == earlier


@pytest.mark.parametrize("secret", ["", "csk_", "\ud800", "x" * 10_000])
def test_odd_secrets_are_no_keys(secret: str, db: None) -> None:
    assert api_keys.key_of(secret) is None


def test_a_key_has_256_bits_and_a_beginning_that_scanners_know(account: User) -> None:
    key, secret = api_keys.make_key(account, "A bot")
    assert re.fullmatch(r"csk_[\w-]{43}", secret)
    assert secret.startswith(key.prefix)
