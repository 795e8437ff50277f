"""Which limits hold for whom, what is taken of them, and what is refused when."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from chat.services.limits.rules import LimitKind, clean_limits, limits_of
from tests.chat.services.limits.limit_actions import account, guest

#: Time stands still until a test turns the clock.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_guests_and_accounts_have_the_limits_of_the_settings(settings) -> None:
    settings.GUEST_MESSAGES_PER_DAY, settings.ACCOUNT_MESSAGES_PER_DAY = 7, None
    assert limits_of(guest())[LimitKind.MESSAGES_PER_DAY] == 7
    assert limits_of(account())[LimitKind.MESSAGES_PER_DAY] is None


def test_an_account_can_have_more_less_or_no_limit_at_all(settings) -> None:
    settings.ACCOUNT_MESSAGES_PER_DAY = settings.ACCOUNT_TOKENS_PER_DAY = 5
    own = {"prompts_per_day": 500, "tokens_per_day": None, "replies_waiting": 1}
    limits = limits_of(account(limits=own))
    assert limits[LimitKind.MESSAGES_PER_DAY] == 500
    assert limits[LimitKind.TOKENS_PER_DAY] is None
    assert limits[LimitKind.REPLIES_WAITING] == 1
    assert limits[LimitKind.MESSAGES_PER_MINUTE] == settings.ACCOUNT_MESSAGES_PER_MINUTE


@pytest.mark.parametrize("raw", [[], "x", {"prompts_per_day": 0}, {"x": 1}, None, 3])
def test_a_row_that_holds_nonsense_locks_nobody_out(raw: Any, settings) -> None:
    user = account()
    user.limits = raw
    assert (
        limits_of(user)[LimitKind.MESSAGES_PER_DAY] == settings.ACCOUNT_MESSAGES_PER_DAY
    )


@pytest.mark.parametrize(
    "raw",
    [{}, {"prompts_per_day": 1}, {"tokens_per_day": None}, {"replies_waiting": 9}],
)
def test_what_an_account_may_be_given(raw: dict[str, Any]) -> None:
    assert clean_limits(raw) == raw


@pytest.mark.parametrize("empty", [None, ""])
def test_no_limits_of_ones_own(empty: Any) -> None:
    assert clean_limits(empty) == {}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ([1], "Write limits as"),
        ("many", "Write limits as"),
        ({"prompts": 1}, "no limit named “prompts”"),
        ({"guests_per_hour": 1}, "no limit named"),
        ({1: 1}, "no limit named"),
        ({"prompts_per_day": 0}, "prompts_per_day must be a whole number"),
        ({"prompts_per_day": -1}, "must be a whole number"),
        ({"prompts_per_day": 1.5}, "must be a whole number"),
        ({"prompts_per_day": True}, "must be a whole number"),
        ({"prompts_per_day": "5"}, "must be a whole number"),
        ({"prompts_per_day": 10**10}, "must be a whole number"),
        ({"prompts_per_day": [1]}, "must be a whole number"),
    ],
)
def test_what_no_account_can_be_given(raw: Any, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        clean_limits(raw)
    assert words in " ".join(refused.value.messages)
