"""Periods of a history, as people speak of them: pure arithmetic over dates."""

from __future__ import annotations

from datetime import date

from django.utils.dateformat import format as formatted


def period_of(day: date, today: date) -> str:
    """The heading under which something of ``day`` is listed.

    A day to come counts as today: clocks and time zones may differ.
    """
    days_ago = (today - day).days
    if days_ago <= 0:
        return "Today"
    if days_ago == 1:
        return "Yesterday"
    if days_ago <= 7:
        return "Previous 7 days"
    if days_ago <= 30:
        return "Previous 30 days"
    return formatted(day, "F Y")
