"""``manage.py api_key``."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from chat.accounts.api_keys import key_of
from chat.models import ApiKey, User

pytestmark = pytest.mark.django_db


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("api_key", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_a_key_is_made_listed_and_revoked(account: User) -> None:
    of = ("--account", "bee@example.org")
    what = ("--history", "--forget", "--days", "7")
    what += ("--tokens-per-day", "900", "--messages-per-minute", "3")
    secret = said("make", "A bot", *of, *what).strip()
    key = ApiKey.objects.get()
    assert key_of(secret) == key
    assert (key.owner, key.can_read_history, key.can_batch) == (account, True, False)
    assert (key.keeps_conversations, key.limits) == (
        False,
        {"prompts_per_minute": 3, "tokens_per_day": 900},
    )
    assert key.expires_at is not None
    listed = said("list", *of)
    assert secret not in listed
    assert f"{key.prefix}…  bee  usable" in listed
    said("revoke", f"{key.prefix}…")
    assert key_of(secret) is None
    assert "revoked" in said("list")
    said("revoke", str(key.pk))  # harmless


@pytest.mark.parametrize(
    "arguments",
    [
        ("make", "A bot", "--account", "nobody"),
        ("make", "", "--account", "bee"),
        ("make", "A bot", "--account", "bee", "--no-chat"),
        ("make", "A bot", "--account", "bee", "--days", "0"),
        ("make", "A bot", "--account", "bee", "--messages-per-day", "-1"),
        ("revoke", "csk_unknown"),
        ("list", "--account", "nobody"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[str, ...], account: User) -> None:
    with pytest.raises(CommandError):
        said(*arguments)
    assert not ApiKey.objects.exists()
