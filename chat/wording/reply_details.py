"""The details of a finished reply, as groups of names and values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import ApiKey, Reply
from chat.wording.replies import exact_duration, token_count
from chatsite.sampling_settings import MODEL_SETTINGS, SEED

Facts = Iterable[tuple[str, str]]


def fact_groups(reply: Reply) -> Iterator[tuple[str, Facts]]:
    """Yield groups with their titles: names and values of all that is known."""
    groups = [(_("Timing"), _timed(reply)), (_("Run"), _run(reply))]
    if reply.is_edited:
        groups = [(_("This reply"), _written(reply))]
    elif not reply.is_made_known:
        groups = [(_("This reply"), _unknown(reply)), (_("Run"), _run(reply))]
    else:
        groups.insert(0, (_("Used for this reply"), _made_of(reply)))
    for title, facts in groups:
        if known := [(name, value) for name, value in facts if value]:
            yield title, known


def _written(reply: Reply) -> Iterator[tuple[str, str]]:
    """Who wrote an edited reply; how the version before it was made is not told."""
    yield _("Written by"), _("a person, not a model")
    yield _("Saved"), _when(reply.finished_at)


def _unknown(reply: Reply) -> Iterator[tuple[str, str]]:
    yield _("Model"), reply.model
    yield _("Settings"), _("unknown")


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


def _run(reply: Reply) -> Iterator[tuple[str, str]]:
    yield _("Input"), _tokens(reply.prompt_tokens)
    yield _("Output"), _tokens(reply.new_tokens)
    yield _("Not sent to the model"), _dropped(reply.dropped_turns)
    yield _("Cut from the input"), _tokens(reply.cut_tokens or None)
    yield _("In line"), _("when idle") if reply.is_helper else ""
    yield _("Worker"), reply.worker
    yield _("Attempt"), str(reply.attempt) if reply.is_made_here else ""
    yield _("Workers lost"), str(reply.losses or "")
    yield _("API key"), _key_name(reply)


def _key_name(reply: Reply) -> str:
    """The name of the key that asked for the reply."""
    if reply.key_id is None:
        return ""
    names = ApiKey.objects.filter(pk=reply.key_id).values_list("name", flat=True)
    return "".join(names)


def _timed(reply: Reply) -> Iterator[tuple[str, str]]:
    yield _("Sent"), _when(reply.queued_at)
    yield _("Waited"), _between(reply.queued_at, reply.started_at)
    yield _("First text after"), _between(reply.started_at, reply.first_text_at)
    yield _("Took"), exact_duration(reply.seconds)
    yield _("Speed"), _speed(reply)


def _number(value: float | None) -> str:
    return "" if value is None else formats.number_format(value, force_grouping=True)


def _tokens(count: int | None) -> str:
    return "" if count is None else token_count(count)


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
    return exact_duration(max(0.0, (end - start).total_seconds()))


def _speed(reply: Reply) -> str:
    """Tokens per second from the first text to the end."""
    start, end, count = reply.first_text_at, reply.finished_at, reply.new_tokens
    if start is None or end is None or not count or end <= start:
        return ""
    pace = count / (end - start).total_seconds()
    return _("%(pace)s tok/s") % {"pace": formats.localize(round(pace, 1))}


def _quoted(text: str) -> str:
    """The text with escapes for invisible characters such as line breaks."""
    return json.dumps(text, ensure_ascii=False)
