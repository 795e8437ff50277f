"""Limits that all guests of a network share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.keeper import Keeper
from chat.models import LimitBucket
from chat.services.errors import MessageRefused
from chat.services.limits.network_rate import admit_guest, admit_mail, admit_sign_up
from chat.services.limits.remaining import scarce_limit
from chat.services.limits.rules import LimitKind
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Clock
from tests.chat.services.limits.limit_actions import (
    NETWORK,
    account,
    ask,
    guest,
    refusal_of,
)

#: Time stands still until a test turns the clock.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_guests_of_one_network_count_together_and_accounts_alone(settings) -> None:
    settings.NETWORK_MESSAGES_PER_MINUTE = 2
    ask(guest(NETWORK))
    ask(guest(NETWORK))
    refused = refusal_of(guest(NETWORK))
    assert refused.code == "network_prompts_per_minute"
    assert "Your network has reached its guest limit" in refused.message
    assert "2 messages a minute" in refused.message
    ask(guest("another"))
    ask(guest())
    ask(account(network=NETWORK))


@pytest.mark.parametrize(
    ("signup", "of_account", "is_told"),
    [
        ("open", 9, True),
        ("invitation", None, True),
        ("closed", 9, False),
        ("open", 2, False),
    ],
)
def test_guests_are_told_that_an_account_has_more_where_it_has(
    signup: str, of_account: int | None, is_told: bool, settings
) -> None:
    settings.SIGNUP = signup
    settings.GUEST_MESSAGES_PER_DAY = 2
    settings.ACCOUNT_MESSAGES_PER_DAY = of_account
    owner = guest()
    ask(owner, 2)
    said = refusal_of(owner).message
    assert ("Sign up for more." in said) == is_told


def test_an_account_is_not_told_to_make_one(settings) -> None:
    settings.ACCOUNT_MESSAGES_PER_DAY = 1
    owner = account()
    ask(owner)
    assert "account" not in refusal_of(owner).message


def test_what_waits_counts_for_the_network_too(box: Mailbox, settings, sent) -> None:
    settings.NETWORK_REPLIES_WAITING = 2
    sent(guest(NETWORK))
    sent(guest(NETWORK))
    refused = refusal_of(guest(NETWORK))
    assert refused.code == "too_many_of_your_network"
    assert "The guests of your network have 2 messages waiting" in refused.message
    ask(account())
    ask(guest("another"))


@pytest.mark.parametrize(
    ("act", "setting", "code"),
    [
        (admit_guest, "NETWORK_GUESTS_PER_HOUR", "too_many_guests"),
        (admit_sign_up, "NETWORK_SIGNUPS_PER_HOUR", "too_many_sign_ups"),
        (admit_mail, "NETWORK_MAILS_PER_HOUR", "too_many_mails"),
    ],
)
def test_one_network_makes_only_so_many_guests_and_accounts_an_hour(
    act: Callable[[str], None], setting: str, code: str, settings
) -> None:
    setattr(settings, setting, 2)
    act(NETWORK)
    act(NETWORK)
    with pytest.raises(MessageRefused, match="in 30 min") as refused:
        act(NETWORK)
    assert refused.value.code == code
    assert refused.value.retry_seconds == 1800
    act("another")
    setattr(settings, setting, None)
    act(NETWORK)


def test_what_all_guests_of_a_network_have_left_is_said_apart(settings) -> None:
    settings.NETWORK_MESSAGES_PER_MINUTE = 10
    ask(guest(NETWORK), 9)
    little = scarce_limit(guest(NETWORK))
    assert little is not None
    assert little.text == ("Your network: 1 of 10 messages left this minute")
    assert little.refill == "1 more every 6 s"


def test_the_keeper_deletes_rows_that_say_nothing_any_more(
    box: Mailbox, clock: Clock
) -> None:
    ask(guest(NETWORK))
    kinds = {LimitKind.MESSAGES_PER_MINUTE, LimitKind.MESSAGES_PER_DAY}
    assert set(LimitBucket.objects.values_list("kind", flat=True)) == kinds
    clock.turn(600)
    Keeper().sweep()
    assert LimitBucket.objects.count() == 4
    clock.turn(24 * 3600)
    Keeper().sweep()
    assert not LimitBucket.objects.exists()


def test_the_rows_of_a_person_go_with_them_and_those_of_a_network_stay() -> None:
    owner = guest(NETWORK)
    ask(owner)
    owner.delete()
    assert set(LimitBucket.objects.values_list("subject", flat=True)) == {
        f"network:{NETWORK}"
    }
