"""The words for states: what people read instead of codes and numbers."""

from __future__ import annotations

from django import template

from chat.sentences import duration, reason
from chat.services.expecting import expected_seconds
from chat.services.watching import Sight, View
from chatsite.catalog import CatalogError
from chatsite.choice import offered

register = template.Library()
register.filter("duration", duration)
register.filter("reason", reason)


@register.filter
def model_label(name: str) -> str:
    """The label of a model; the name of one that is no longer on offer."""
    try:
        return offered(name).label
    except CatalogError:
        return name


@register.filter
def percent(share: float) -> str:
    return f"{round(100 * share)}\N{NO-BREAK SPACE}%"


@register.filter
def expected(sight: Sight, view: View) -> float | None:
    """Seconds that its place in line will probably take; None if nobody knows."""
    return expected_seconds(sight.ahead, view.workers)


@register.filter
def is_starting(sight: Sight, view: View) -> bool:
    """Whether a free row is about to take it: not worth showing a ticket for."""
    return expected(sight, view) == 0 and sight.seconds < 3
