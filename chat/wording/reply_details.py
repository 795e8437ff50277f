"""The details of a finished reply, as names and values for its details page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import Reply
from chat.wording.replies import duration
from chatsite.sampling_settings import MODEL_SETTINGS, SEED


def facts(reply: Reply) -> Iterator[tuple[str, str]]:
    """Yield the names and values of all details that are known, in display order."""
    for name, value in (*_made_of(reply), *_counted(reply), *_timed(reply)):
        if value:
            yield name, value


def _made_of(reply: Reply) -> Iterator[tuple[str, str]]:
    chosen = reply.settings
    yield _("Model"), reply.model
    yield _("Revision"), reply.revision
    yield _("Precision"), reply.precision
    for setting in MODEL_SETTINGS:
        words = _tokens if setting.is_in_tokens else _number
        yield str(setting.label), words(chosen.get(setting.name))
    yield _("Stop strings"), " · ".join(map(_quoted, chosen.get("stop", ())))
    yield str(SEED.label), str(reply.seed)


def _counted(reply: Reply) -> Iterator[tuple[str, str]]:
    yield _("Prompt read"), _tokens(reply.prompt_tokens)
    yield _("Written"), _tokens(reply.new_tokens)
    yield _("Left out before it"), _dropped(reply.dropped_turns)
    yield _("Cut from the prompt"), _tokens(reply.cut_tokens or None)


def _timed(reply: Reply) -> Iterator[tuple[str, str]]:
    yield _("Asked"), _when(reply.queued_at)
    yield _("Waited"), _between(reply.queued_at, reply.started_at)
    yield _("First text after"), _between(reply.started_at, reply.first_text_at)
    yield _("Took"), duration(reply.seconds)
    yield _("Speed"), _speed(reply)
    yield _("Worker"), reply.worker
    yield _("Attempt"), str(reply.attempt)
    yield _("Workers lost with it"), str(reply.losses or "")


def _number(value: float | None) -> str:
    return "" if value is None else formats.localize(value)


def _tokens(count: int | None) -> str:
    if count is None:
        return ""
    return ngettext("%(count)s token", "%(count)s tokens", count) % {"count": count}


def _dropped(count: int) -> str:
    if not count:
        return ""
    text = ngettext("%(count)s older message", "%(count)s older messages", count)
    return text % {"count": count}


def _when(time: datetime | None) -> str:
    if time is None:
        return ""
    return formats.date_format(timezone.localtime(time), "DATETIME_FORMAT")


def _between(start: datetime | None, end: datetime | None) -> str:
    if start is None or end is None:
        return ""
    return duration(max(0.0, (end - start).total_seconds()))


def _speed(reply: Reply) -> str:
    """Tokens per second from the first text to the end."""
    start, end, count = reply.first_text_at, reply.finished_at, reply.new_tokens
    if start is None or end is None or not count or end <= start:
        return ""
    pace = count / (end - start).total_seconds()
    return _("%(pace)s tokens a second") % {"pace": formats.localize(round(pace, 1))}


def _quoted(text: str) -> str:
    """The text with escapes for invisible characters such as line breaks."""
    return json.dumps(text, ensure_ascii=False)
