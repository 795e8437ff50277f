"""Periods of a history, as people speak of them: pure arithmetic over dates."""

from __future__ import annotations

from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _


def period_of(day: date, today: date) -> str:
    """The heading under which something of ``day`` is listed.

    A day to come counts as today: clocks and time zones may differ.
    """
    days_ago = (today - day).days
    if days_ago <= 0:
        return _("Today")
    if days_ago == 1:
        return _("Yesterday")
    if days_ago <= 7:
        return _("Previous 7 days")
    if days_ago <= 30:
        return _("Previous 30 days")
    return date_format(day, "YEAR_MONTH_FORMAT")
