"""What remains of a limit, in words."""

from __future__ import annotations

import pytest
from django.utils import timezone

from chat.services.limits.remaining import remaining_limits, scarce_limit
from tests.chat.conftest import Clock
from tests.chat.services.limits.limit_actions import NETWORK, ask, guest

#: Time stands still until a test turns the clock.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_what_is_left_is_said_in_words_that_stay_true(settings, clock: Clock) -> None:
    settings.GUEST_MESSAGES_PER_DAY, settings.GUEST_MESSAGES_PER_MINUTE = 30, None
    owner = guest(NETWORK)
    assert scarce_limit(owner) is None
    ask(owner, 18)
    found = remaining_limits(owner)[0]
    assert (found.text, found.refill) == (
        "12 of 30 messages left today",
        "1 more every 48 min",
    )
    assert scarce_limit(owner) is None
    ask(owner, 7)
    little = scarce_limit(owner)
    assert little is not None
    assert little.text == "5 of 30 messages left today"
    ask(owner, 5)
    nothing = scarce_limit(owner)
    assert nothing is not None
    assert nothing.text == "0 of 30 messages left today"
    assert nothing.refill == "next one at 8:48 AM"
    assert nothing.wait_seconds == 48 * 60
    assert nothing.due_at == clock.now + 48 * 60


@pytest.mark.parametrize(
    ("hour", "words"),
    [
        (8, "next one at 8:00 PM"),
        (11, "next one at 11:00 PM"),
        (14, "next one tomorrow at 2:00 AM"),
    ],
)
def test_when_the_next_one_comes_is_said_by_the_clock_of_whoever_asks(
    hour: int, words: str, settings, clock: Clock
) -> None:
    settings.GUEST_MESSAGES_PER_DAY, owner = 2, guest()
    clock.turn(3600 * (hour - 8))
    ask(owner, 2)
    found = scarce_limit(owner)
    assert found is not None
    assert found.refill == words
    with timezone.override("Asia/Tokyo"):
        elsewhere = scarce_limit(owner)
    assert elsewhere is not None
    assert elsewhere.refill != words
