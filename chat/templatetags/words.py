"""The words for states: what people read instead of codes and numbers."""

from __future__ import annotations

from django import template

from chat.page.state import owner_fingerprint
from chat.rendering.markdown import render
from chat.services.jobs.status import PollSnapshot, ReplyStatus
from chat.services.reply_versions import can_resume
from chat.services.wait_estimate import WaitEstimate, estimate_wait
from chat.text_cleanup import as_lines
from chat.wording.replies import duration, duration_range, reason
from chat.wording.reply_details import facts
from chatsite.catalog import CatalogError
from chatsite.model_choice import model_entry

register = template.Library()
register.filter("duration", duration)
register.filter("reason", reason)
register.filter("markdown", render)
register.filter("as_lines", as_lines)
register.filter("facts", facts)
register.filter("can_resume", can_resume)
register.filter("whose", owner_fingerprint)


@register.filter(name="duration_range")
def expectation_range(expectation: WaitEstimate) -> str:
    """The range of an expectation: ``20 to 45 s``."""
    return duration_range(expectation.low, expectation.high)


@register.filter
def model_label(name: str) -> str:
    """The label of a model; the name of one that is no longer on offer."""
    try:
        return model_entry(name).label
    except CatalogError:
        return name


@register.filter
def percent(share: float) -> str:
    return f"{round(100 * share)}\N{NO-BREAK SPACE}%"


@register.filter
def expected(sight: ReplyStatus, view: PollSnapshot) -> WaitEstimate | None:
    """When its turn will probably come; None if nobody knows."""
    return estimate_wait(sight.ahead, view.workers)


@register.filter
def is_starting(sight: ReplyStatus, view: PollSnapshot) -> bool:
    """Whether a free row is about to take it: not worth showing a ticket for."""
    expectation = expected(sight, view)
    return expectation is not None and expectation.is_at_once and sight.seconds < 3
