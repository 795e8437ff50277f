"""What every whole page shows around its messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest

from chat.forms import MessageForm, new_key
from chat.http.request import session_key, visitor
from chat.models import User
from chat.page.poll_interval import PollInterval, jittered
from chat.page.state import PageState, owner_fingerprint
from chat.services.conversation_list import newest
from chat.services.effective_settings import effective_settings
from chat.services.jobs.status import PollSnapshot, poll_snapshot, worker_snapshot
from chat.services.limits.remaining import scarce_limit
from chat.wording.script_messages import script_texts
from chatsite import wire
from chatsite.catalog import CatalogError, ModelEntry
from chatsite.model_choice import current_choice, model_entry


def page_context(
    view: PollSnapshot,
    entry: ModelEntry,
    known: PageState,
    form: MessageForm | None = None,
    owner: User | None = None,
) -> dict[str, Any]:
    """The frame around the messages: list, model, composer and poller."""
    history = newest(owner_of(view))
    known = replace(
        known,
        since=history.last,
        whose=owner_fingerprint(view.owner),
        is_accounts=owner is not None and not owner.is_guest,
    )
    return {
        "history": history,
        "form": form or MessageForm(initial={"key": new_key()}),
        "limit": settings.MESSAGE_MAX_CHARACTERS,
        "banner": banner(entry),
        "stop": known.first_pending,
        "little": scarce_limit(owner) if owner else None,
        **message_context(),
        "texts": script_texts(),
        **worker_context(view, entry, is_pending=bool(known.first_pending)),
        **poller_context(view, known),
    }


def frame_context(
    request: HttpRequest, form: MessageForm | None = None
) -> dict[str, Any]:
    """The frame of a page that shows no conversation."""
    user = visitor(request)
    owner = user if isinstance(user, User) else None
    if owner:
        entry = effective_settings(owner).entry
        view = poll_snapshot(session_key(request), lambda: owner, entry.name)
    else:
        entry = model_entry()
        view = worker_snapshot(entry.name)
    known = PageState(changes=view.changes, model=entry.name, is_nobody=not view.owner)
    return page_context(view, entry, with_worker_state(view, known), form, owner)


def message_context() -> dict[str, Any]:
    """What every message needs besides itself."""
    return {"variants_at_once": settings.VERSIONS_AT_ONCE_MAX}


def owner_of(view: PollSnapshot) -> UUID | None:
    return UUID(view.owner) if view.owner else None


def banner(entry: ModelEntry) -> dict[str, str] | None:
    """Which model answers instead of which, and why; nothing to say where a person
    picked another one than it."""
    choice = current_choice()
    if not choice.is_fallback or entry.name != choice.model:
        return None
    try:
        wanted = model_entry(choice.wanted).label
    except CatalogError:
        wanted = choice.wanted
    return {"label": entry.label, "wanted": wanted, "reason": choice.reason.strip(". ")}


def worker_context(
    view: PollSnapshot, entry: ModelEntry, *, is_pending: bool
) -> dict[str, Any]:
    """The line about the workers; what waits says for itself whom it waits for."""
    return {
        "view": view,
        "label": entry.label,
        "ready": sum(w.stage is wire.Stage.READY for w in view.workers),
        "is_pending": is_pending,
    }


def workers_fingerprint(view: PollSnapshot, *, is_pending: bool) -> str:
    """Changes when ``_chip.html`` or ``_notice.html`` would."""
    ready = sum(w.stage is wire.Stage.READY for w in view.workers)
    done = round(100 * (view.progress or 0))
    stage = view.stage or "none"
    parts = (stage, ready, done, view.waiting, int(view.is_away), int(is_pending))
    return "-".join(map(str, parts))


def with_worker_state(view: PollSnapshot, known: PageState) -> PageState:
    """The same page once it says how the workers are."""
    is_pending = bool(known.first_pending)
    return replace(known, workers=workers_fingerprint(view, is_pending=is_pending))


def poller_context(view: PollSnapshot, known: PageState) -> dict[str, Any]:
    """The poller's state and when it asks next."""
    pace = PollInterval(settings.POLL_SECONDS, settings.POLL_IDLE_SECONDS)
    seconds = pace.next(
        view.sights,
        view.stage,
        is_away=view.is_away,
        previous_seconds=known.delay_seconds,
    )
    return poller_after(seconds, known)


def poller_after(seconds: float, known: PageState) -> dict[str, Any]:
    """The poller's state where it asks next after so long."""
    pace = PollInterval(settings.POLL_SECONDS, settings.POLL_IDLE_SECONDS)
    return {
        "known": known,
        "delay": round(1000 * seconds),
        "jittered_delay": round(1000 * jittered(seconds)),
        "watchdog": pace.watchdog_seconds,
    }
