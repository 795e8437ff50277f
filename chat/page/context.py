"""The context that every whole page gives its templates, around the messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TypedDict
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest

from chat.forms import MessageForm, new_key
from chat.http.request import session_key, visitor
from chat.models import User
from chat.page.poll_interval import PollInterval, jittered
from chat.page.state import PageState, owner_fingerprint
from chat.services.conversation_list import ListPart, newest
from chat.services.effective_settings import effective_settings
from chat.services.jobs.reply_status import PollSnapshot, ReplyStatus
from chat.services.jobs.status import poll_snapshot, worker_snapshot
from chat.services.limits.remaining import RemainingLimit, scarce_limit
from chatsite import wire
from chatsite.catalog import CatalogError, ModelEntry
from chatsite.mailbox.notice import Notice
from chatsite.model_choice import current_choice, model_entry


class ModelFallback(TypedDict):
    """For ``workers/_model_fallback.html``."""

    #: Label of the model that answers.
    label: str
    #: Label or name of the model that was configured.
    wanted: str
    #: Why that one does not answer; a sentence without its full stop, or empty.
    reason: str


class WorkerContext(TypedDict):
    """For the templates in ``workers/`` and the status of pending replies."""

    snapshot: PollSnapshot
    #: Label of the model whose workers ``snapshot`` names.
    label: str
    ready_workers: int
    #: Whether a reply on the page is pending: it says itself what it waits for.
    is_pending: bool


class PollerContext(TypedDict):
    """For ``poll/_poller.html``."""

    page_state: PageState
    #: The poll interval, which the page sends back with its next poll.
    delay_ms: int
    #: The same with jitter: when the page polls next.
    jittered_delay_ms: int
    #: A page without an answer polls again after so long.
    watchdog_seconds: int


class MessageContext(TypedDict):
    """For the templates in ``messages/`` and ``replies/``, besides the message."""

    #: How many versions of a reply may be requested at once.
    versions_at_once: int


class PageContext(WorkerContext, PollerContext, MessageContext):
    """For ``layout/app.html``."""

    conversation_list: ListPart
    form: MessageForm
    #: Characters that a message may have.
    max_characters: int
    #: Files that may be attached to a message; 0 where none may.
    attached_files_max: int
    model_fallback: ModelFallback | None
    scarce_limit: RemainingLimit | None


def page_context(
    snapshot: PollSnapshot,
    entry: ModelEntry,
    page_state: PageState,
    form: MessageForm | None = None,
    owner: User | None = None,
) -> PageContext:
    """Everything around the messages: list, model, composer and poller."""
    listed = newest(owner_of(snapshot))
    page_state = replace(
        page_state,
        since=listed.last,
        owner_fingerprint=owner_fingerprint(snapshot.owner),
        is_account=owner is not None and not owner.is_guest,
    )
    return {
        "conversation_list": listed,
        "form": form or MessageForm(initial={"key": new_key()}),
        "max_characters": settings.MESSAGE_MAX_CHARACTERS,
        "attached_files_max": settings.ATTACHED_FILES_MAX,
        "model_fallback": model_fallback(entry),
        "scarce_limit": scarce_limit(owner) if owner else None,
        **message_context(),
        **worker_context(snapshot, entry, is_pending=bool(page_state.first_pending)),
        **poller_context(snapshot, page_state),
    }


def frame_context(request: HttpRequest, form: MessageForm | None = None) -> PageContext:
    """The context of a page that shows no conversation."""
    user = visitor(request)
    owner = user if isinstance(user, User) else None
    if owner:
        entry = effective_settings(owner).entry
        snapshot = poll_snapshot(session_key(request), lambda: owner, entry.name)
    else:
        entry = model_entry()
        snapshot = worker_snapshot(entry.name)
    page_state = PageState(
        change_counter=snapshot.change_counter,
        model=entry.name,
        is_anonymous=not snapshot.owner,
    )
    page_state = with_worker_state(snapshot, page_state)
    return page_context(snapshot, entry, page_state, form, owner)


def message_context() -> MessageContext:
    """What the templates of a message need besides the message."""
    return {"versions_at_once": settings.VERSIONS_AT_ONCE_MAX}


def owner_of(snapshot: PollSnapshot) -> UUID | None:
    """Id of the user whose snapshot it is; None for an anonymous visitor."""
    return UUID(snapshot.owner) if snapshot.owner else None


def model_fallback(entry: ModelEntry) -> ModelFallback | None:
    """The model that answers in place of the configured one, and why.

    None where the configured model answers, or where ``entry`` was picked by a person.
    """
    choice = current_choice()
    if not choice.is_fallback or entry.name != choice.model:
        return None
    try:
        wanted = model_entry(choice.wanted).label
    except CatalogError:
        wanted = choice.wanted
    return {"label": entry.label, "wanted": wanted, "reason": choice.reason.strip(". ")}


def worker_context(
    snapshot: PollSnapshot, entry: ModelEntry, *, is_pending: bool
) -> WorkerContext:
    """The state of the workers of a model."""
    return {
        "snapshot": snapshot,
        "label": entry.label,
        "ready_workers": _ready_workers(snapshot),
        "is_pending": is_pending,
    }


def workers_fingerprint(snapshot: PollSnapshot, *, is_pending: bool) -> str:
    """Changes with what a page says of the workers, and with the site's notice."""
    parts = (
        snapshot.stage or "none",
        _ready_workers(snapshot),
        round(100 * (snapshot.progress or 0)),
        snapshot.waiting,
        int(snapshot.is_away) + 2 * int(snapshot.is_paused),
        int(is_pending),
        _notice_fingerprint(snapshot.notice),
    )
    return "-".join(map(str, parts))


def _notice_fingerprint(notice: Notice | None) -> str:
    return sha256(notice.text.encode()).hexdigest()[:8] if notice else ""


def _ready_workers(snapshot: PollSnapshot) -> int:
    return sum(worker.stage is wire.Stage.READY for worker in snapshot.workers)


def with_worker_state(snapshot: PollSnapshot, page_state: PageState) -> PageState:
    """The state of the page once it shows the workers of ``snapshot``."""
    is_pending = bool(page_state.first_pending)
    fingerprint = workers_fingerprint(snapshot, is_pending=is_pending)
    if fingerprint == page_state.workers_fingerprint:
        return page_state
    return replace(page_state, workers_fingerprint=fingerprint)


def poller_context(
    snapshot: PollSnapshot,
    page_state: PageState,
    further: Sequence[ReplyStatus] = (),
) -> PollerContext:
    """The poller of a page whose next poll depends on ``snapshot``.

    It also depends on the ``further`` replies, of which the snapshot does not know.
    """
    seconds = _poll_interval().next(
        (*snapshot.statuses, *further),
        snapshot.stage,
        is_away=snapshot.is_away,
        previous_seconds=page_state.delay_seconds,
    )
    return poller_after(seconds, page_state)


def poller_after(seconds: float, page_state: PageState) -> PollerContext:
    """The poller of a page that polls again after ``seconds``."""
    return {
        "page_state": page_state,
        "delay_ms": round(1000 * seconds),
        "jittered_delay_ms": round(1000 * jittered(seconds)),
        "watchdog_seconds": _poll_interval().watchdog_seconds,
    }


def _poll_interval() -> PollInterval:
    return PollInterval(settings.POLL_SECONDS, settings.POLL_IDLE_SECONDS)
