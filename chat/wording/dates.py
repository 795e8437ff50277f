"""Moments in words: relative on their day, and as a short date later."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

#: How many exact moments a process keeps in words.
MOMENTS_KEPT = 4096


def short_moment(moment: datetime, now: datetime | None = None) -> str:
    """``now``, ``5 minutes ago``, ``yesterday``, ``November 3`` or ``Nov 3, 2025``.

    Days are those of the reader's time zone, ``now`` is the time of the call if absent.
    """
    now = now or timezone.now()
    local, today = timezone.localtime(moment), timezone.localtime(now)
    if timedelta(0) <= now - moment and local.date() == today.date():
        return str(naturaltime(moment))
    days = (local.date() - today.date()).days
    near = {-1: _("yesterday"), 0: _("today"), 1: _("tomorrow")}
    if days in near:
        return near[days]
    is_this_year = local.year == today.year
    return date_format(local, "MONTH_DAY_FORMAT" if is_this_year else "DATE_FORMAT")


def exact_moment(moment: datetime) -> str:
    """The date and the time of day, in the reader's language and time zone."""
    return _exact(moment, timezone.get_current_timezone(), get_language())


@lru_cache(MOMENTS_KEPT)
def _exact(moment: datetime, zone: tzinfo, _language: str | None) -> str:
    """The same, kept: a conversation shows the moments of its messages each time."""
    return date_format(moment.astimezone(zone), "DATETIME_FORMAT")
