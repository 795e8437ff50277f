"""The parts of a page that most polls renew, without the layers of templates.

Their templates are rendered once for each variant, and then filled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.utils.formats import number_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import ngettext

from chat.page.context import PollerContext, WorkerContext
from chat.page.delta import TextAppend
from chat.page.growing_text import TextGrowth
from chat.page.state import PageState
from chat.rendering.prerender import prerendered, prerendered_list
from chat.services.jobs.reply_status import PollSnapshot, ReplyStatus
from chat.services.wait_estimate import WaitEstimate, estimate_wait
from chat.wording.replies import duration, duration_range, percent, token_count
from chatsite import wire
from chatsite.mailbox.notice import Notice

#: A reply that a worker is about to take is said to start for so long.
STARTING_SECONDS = 3


def poller(context: PollerContext, *, is_oob: bool) -> SafeString:
    """The element that polls, with the state of the page in its fields."""
    state = context["page_state"]
    return prerendered(
        "poll/_poller.html",
        {
            "is_oob": is_oob,
            "is_anonymous": state.is_anonymous,
            "has_owner": bool(state.owner_fingerprint),
            "is_account": state.is_account,
            "has_conversation": bool(state.conversation),
            "has_model": bool(state.model),
        },
        {
            "jittered_delay_ms": context["jittered_delay_ms"],
            "watchdog_seconds": context["watchdog_seconds"],
            "version": state.version,
            "owner_fingerprint": state.owner_fingerprint,
            "conversation": state.conversation,
            "leaf": state.leaf or "",
            "path_fingerprint": state.path_fingerprint,
            "model": state.model,
            "since": state.since or "",
            "change_counter": state.change_counter,
            "workers_fingerprint": state.workers_fingerprint,
            "delay_ms": context["delay_ms"],
            "pending_fields": _pending_fields(state),
        },
    )


def cursor_fields(state: PageState) -> SafeString:
    """The fields of the poller for replies that are queued or running."""
    cursors = [("r", f"{reply}:{run}:{end}") for reply, run, end in state.cursors]
    return _fields([*cursors, *(("t", text.dump()) for text in state.texts)])


def _pending_fields(state: PageState) -> SafeString:
    held = [("h", str(pk)) for pk in state.held]
    if state.held_fingerprint:
        held.append(("a", state.held_fingerprint))
    held += [("hp", str(pk)) for pk in state.paused]
    if state.look_due_at:
        held.append(("k", str(state.look_due_at)))
    return cursor_fields(state) + _fields(held)


def _fields(fields: Collection[tuple[str, str]]) -> SafeString:
    if not fields:
        return SafeString()
    return prerendered_list(
        "poll/_field.html",
        [({"name": name}, {"value": value}) for name, value in fields],
    )


def text_appends(
    appends: Iterable[TextAppend], snapshot: PollSnapshot, label: str
) -> SafeString:
    """New text of replies, where there is any, and the status of each."""
    html = [
        piece
        for append in appends
        for piece in (
            text_growth(append.growth, is_oob=True, replaces_text=append.replaces_text),
            reply_status(append.status, snapshot, label, is_oob=True),
        )
    ]
    return mark_safe("".join(html))  # noqa: S308  # each of them is


def text_growth(
    growth: TextGrowth | None, *, is_oob: bool, replaces_text: bool = False
) -> SafeString:
    """What settled of a growing text, and its tail; the script puts them in place."""
    if growth is None:
        return SafeString()
    return prerendered(
        "replies/_text_growth.html",
        {"is_oob": is_oob, "replaces_text": replaces_text},
        {
            "pk": growth.shown.reply,
            "settled_depth": growth.settled.depth,
            "settled": growth.settled.html,
            "tail_depth": growth.tail.depth,
            "tail": growth.tail.html,
        },
    )


def reply_status(
    status: ReplyStatus, snapshot: PollSnapshot, label: str, *, is_oob: bool
) -> SafeString:
    """What a pending reply waits for, or how far it has come."""
    expected = estimate_wait(status.place, snapshot.workers, is_helper=status.is_helper)
    wait = None if snapshot.is_paused else expected
    kind = _kind_of_status(status, snapshot, wait)
    if kind == "in_line":
        return _queue_position(status, snapshot, label, wait, is_oob=is_oob)
    speed = status.tokens_per_second or 0.0
    digits = 1 if speed < 10 else 0
    return prerendered(
        "replies/_status.html",
        {
            "kind": kind,
            "is_oob": is_oob,
            "is_taken_over": bool(status.losses),
            "is_again": status.run > 1,
            "has_tokens": bool(status.tokens),
            "has_speed": bool(speed),
        },
        {
            "pk": str(status.pk),
            "label": label,
            "seconds": duration(status.seconds),
            "tokens": token_count(status.tokens),
            "attempt": status.run,
            "speed": number_format(round(speed, digits), digits),
        },
    )


def _kind_of_status(
    status: ReplyStatus, snapshot: PollSnapshot, wait: WaitEstimate | None
) -> str:
    if status.state is wire.State.HELD:
        if not status.is_paused:
            return "held"
        return "paused_failed" if status.is_after_failure else "paused_stopped"
    if status.is_stopping:
        return "stopping_later" if status.is_unpublished else "stopping"
    if status.is_unpublished:
        return "cut_off" if status.is_cut_off else "unpublished"
    if status.state is wire.State.RUNNING:
        return "running"
    if snapshot.is_paused:
        return "in_line"
    if snapshot.stage is None:
        return "no_worker"
    is_at_once = wait is not None and wait.is_at_once
    return "starting" if is_at_once and status.seconds < STARTING_SECONDS else "in_line"


def _queue_position(
    status: ReplyStatus,
    snapshot: PollSnapshot,
    label: str,
    wait: WaitEstimate | None,
    *,
    is_oob: bool,
) -> SafeString:
    """The place of a reply in the queue, why it waits, and how long it may."""
    shown = None if wait is None or wait.is_at_once else wait
    low, range_, progress = "", "", snapshot.progress
    if shown is not None and status.is_further:
        low = duration(shown.low)
    elif shown is not None:
        range_ = duration_range(shown.low, shown.high)
    return prerendered(
        "replies/_queue_position.html",
        {
            "is_oob": is_oob,
            "is_helper": status.is_helper,
            "has_place": bool(status.place),
            "stage": "paused" if snapshot.is_paused else str(snapshot.stage),
            "has_progress": progress is not None,
            "is_taken_over": bool(status.losses),
            "wait": "low" if low else "range" if range_ else "",
        },
        {
            "pk": str(status.pk),
            "label": label,
            "place": status.place,
            "share": f"{progress or 0:.2f}",
            "progress": "" if progress is None else percent(progress),
            "low": low,
            "range": range_,
            "seconds": duration(status.seconds),
        },
    )


def model_link(
    context: WorkerContext, page_state: PageState, *, is_oob: bool
) -> SafeString:
    """The model of the page and the state of its workers, which open the menu."""
    snapshot = context["snapshot"]
    waiting = ngettext("%(count)s waiting", "%(count)s waiting", snapshot.waiting)
    return prerendered(
        "workers/_model_link.html",
        {
            "is_oob": is_oob,
            "has_conversation": bool(page_state.conversation),
            "has_waiting": bool(snapshot.waiting),
            **_state_of_workers(snapshot),
        },
        {
            "conversation": str(page_state.conversation),
            "label": context["label"],
            "progress": percent(snapshot.progress or 0),
            "waiting": waiting % {"count": snapshot.waiting},
        },
    )


def site_notice(notice: Notice | None, *, is_oob: bool) -> SafeString:
    """The sentence that operators show on every page; empty if there is none."""
    return prerendered(
        "layout/_site_notice.html",
        {"is_oob": is_oob, "has_notice": notice is not None},
        {"text": notice.text if notice else ""},
    )


def workers_notice(context: WorkerContext, *, is_oob: bool) -> SafeString:
    """Why a message would not be answered at once; empty where a reply says so."""
    snapshot = context["snapshot"]
    return prerendered(
        "workers/_notice.html",
        {
            "is_oob": is_oob,
            "is_pending": context["is_pending"],
            **_state_of_workers(snapshot),
        },
        {"label": context["label"], "progress": percent(snapshot.progress or 0)},
    )


def _state_of_workers(snapshot: PollSnapshot) -> dict[str, str | bool]:
    stage = "none" if snapshot.stage is None else str(snapshot.stage)
    serving = "paused" if snapshot.is_paused else stage
    return {
        "state": "away" if snapshot.is_away else serving,
        "has_progress": snapshot.progress is not None,
    }
