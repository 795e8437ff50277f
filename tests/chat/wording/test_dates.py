"""Moments in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from chat.wording.dates import exact_moment, short_moment

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 3, 14, 23, 59, tzinfo=UTC), "yesterday"),
        (datetime(2026, 3, 15, 23, tzinfo=UTC), "today"),
        (datetime(2026, 3, 16, 1, tzinfo=UTC), "tomorrow"),
        (datetime(2026, 3, 13, 12, tzinfo=UTC), "March 13"),
        (datetime(2026, 3, 29, 12, tzinfo=UTC), "March 29"),
        (datetime(2025, 12, 31, 12, tzinfo=UTC), "Dec 31, 2025"),
    ],
)
def test_another_day_is_a_short_date(moment: datetime, words: str) -> None:
    assert short_moment(moment, NOON) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(0), "now"),
        (timedelta(minutes=5, seconds=30), "5\N{NO-BREAK SPACE}minutes ago"),
        (timedelta(hours=2, minutes=30), "2\N{NO-BREAK SPACE}hours ago"),
    ],
)
def test_today_is_relative(ago: timedelta, words: str) -> None:
    # In a zone in which it is noon now, that was today.
    now = timezone.now()
    noon = ZoneInfo("Etc/GMT" + f"{now.hour - 12:+d}")
    with timezone.override(noon):
        assert short_moment(now - ago) == words


def test_days_are_those_of_the_reader() -> None:
    late = datetime(2026, 3, 15, 23, tzinfo=UTC)
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert short_moment(late, NOON) == "tomorrow"
        assert exact_moment(late) == "Mar 16, 2026, 8:00 AM"
