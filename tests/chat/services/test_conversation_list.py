from __future__ import annotations

from datetime import date

import pytest

from chat.services.conversation_list import period_of

TODAY = date(2026, 3, 10)


@pytest.mark.parametrize(
    ("day", "heading"),
    [
        (date(2026, 3, 11), "Today"),
        (date(2026, 3, 10), "Today"),
        (date(2026, 3, 9), "Yesterday"),
        (date(2026, 3, 8), "Previous 7 days"),
        (date(2026, 3, 3), "Previous 7 days"),
        (date(2026, 3, 2), "Previous 30 days"),
        (date(2026, 2, 8), "Previous 30 days"),
        (date(2026, 2, 7), "February 2026"),
        (date(2026, 2, 1), "February 2026"),
        (date(2026, 1, 31), "January 2026"),
        (date(2025, 3, 10), "March 2025"),
    ],
)
def test_days_are_told_as_people_speak_of_them(day: date, heading: str) -> None:
    assert period_of(day, TODAY) == heading
