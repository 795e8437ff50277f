"""Filters and tags of the templates: words for states, and htmx attributes."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chat.models.conversation import title_from
from chat.page.state import owner_fingerprint
from chat.rendering.markdown import render
from chat.services.limits.wording import number
from chat.services.operation.overview import busy_rows, started_at
from chat.services.reply_versions import can_resume
from chat.services.wait_estimate import WaitEstimate
from chat.text_cleanup import as_lines
from chat.wording.dates import exact_moment, short_moment
from chat.wording.operation import failure_kind, stage_name
from chat.wording.replies import (
    duration,
    duration_range,
    exact_duration,
    percent,
    reason,
    summary,
)
from chat.wording.reply_details import fact_groups
from chat.wording.script_messages import script_texts
from chat.wording.webhooks import delivery_text, disabled_text, event_label, try_text
from chatsite.catalog import CatalogError
from chatsite.model_choice import model_entry

register = template.Library()
register.simple_tag(script_texts)
register.filter("shortened", title_from)
register.filter("duration", duration)
register.filter("number", number)
register.filter("short_moment", short_moment)
register.filter("exact_moment", exact_moment)
register.filter("percent", percent)
register.filter("reason", reason)
register.filter("summary", summary)
register.filter("markdown", render)
register.filter("as_lines", as_lines)
register.filter("fact_groups", fact_groups)
register.filter("can_resume", can_resume)
register.filter("owner_fingerprint", owner_fingerprint)
register.filter("delivery_text", delivery_text)
register.filter("disabled_text", disabled_text)
register.filter("event_label", event_label)
register.filter("try_text", try_text)
register.filter("exact_duration", exact_duration)
register.filter("failure_kind", failure_kind)
register.filter("stage_name", stage_name)
register.filter("started_at", started_at)
register.filter("busy_rows", busy_rows)


@register.filter(name="duration_range")
def wait_range(wait: WaitEstimate) -> str:
    """The range of a wait: ``20 to 45 s``."""
    return duration_range(wait.low, wait.high)


@register.filter
def model_label(name: str) -> str:
    """The label of a model; its name if the catalogue has it no longer."""
    try:
        return model_entry(name).label
    except CatalogError:
        return name


@register.simple_tag
def when(moment: datetime) -> SafeString:
    """A moment as a short date; the exact one shows under the pointer and on focus."""
    return format_html(
        '<time class="when" datetime="{machine}" title="{exact}" tabindex="0">'
        "{short}</time>",
        machine=moment.isoformat(timespec="seconds"),
        exact=exact_moment(moment),
        short=short_moment(moment),
    )


@register.simple_tag
def post_attributes(
    url: str, include: str = "#poller", attribute: str = "action"
) -> SafeString:
    """Attributes of a form that posts to ``url``, with htmx and without.

    ``include`` selects the fields to send besides the form's own: those of the poller
    say what the page shows, so the answer is what changed. Requests of a page wait for
    each other. ``attribute`` is ``formaction`` on a button of another form.
    """
    return format_html(
        '{attribute}="{url}" hx-post="{url}" hx-include="{include}" hx-target="this"'
        ' hx-swap="none" hx-sync="#main:queue all"',
        attribute=attribute,
        url=url,
        include=include,
    )
