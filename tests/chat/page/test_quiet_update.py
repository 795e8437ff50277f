"""An answer without templates reads as the template gives it, or is not given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.template.loader import render_to_string

from chat.page.quiet_update import delta_of_pending, quiet_update, update_context
from chat.page.state import PageState, owner_fingerprint
from chat.services.jobs.reply_status import PollSnapshot, ReplyStatus
from chatsite import wire
from chatsite.model_choice import model_entry

OWNER, REPLY, HELD = uuid4(), uuid4(), uuid4()
READY = (wire.Announcement("w", "scripted", "Scripted", wire.Stage.READY, free=1),)
RUNNING: dict[str, Any] = {"state": wire.State.RUNNING, "run": 2, "tokens": 4}
#: Of one reply whose first 10 bytes are shown; each brings something else.
STATUSES: tuple[dict[str, Any], ...] = (
    {"state": wire.State.QUEUED, "place": 3, "seconds": 9.0},
    {**RUNNING, "offset": 10, "length": 10},
    {**RUNNING, "offset": 10, "length": 14, "text": "<b>\n"},
    {**RUNNING, "offset": 0, "length": 3, "text": "new"},
)


def state(**more: Any) -> PageState:
    """Of a page that shows one reply and, after it, a held one."""
    made = PageState(
        conversation=uuid4(),
        leaf=REPLY,
        change_counter="7",
        cursors=((str(REPLY), 2, 10),),
        held=(HELD,),
        held_fingerprint="abc",
        model="scripted",
        owner_fingerprint=owner_fingerprint(OWNER),
    )
    return replace(made, **more)


def snapshot(
    status: dict[str, Any], workers: Sequence[wire.Announcement] = READY
) -> PollSnapshot:
    shown = ReplyStatus(REPLY, **status)
    return PollSnapshot(str(OWNER), (shown,), "7", 1, tuple(workers))


def compact(html: str) -> str:
    """Without spaces between elements, and with one and the same delay."""
    html = re.sub(r"delay:\d+ms", "delay:0ms", re.sub(r">\s+<", "><", html))
    return re.sub(r"\s+", " ", html).replace("> ", ">").strip()


@pytest.mark.parametrize("workers", [(), READY], ids=["no worker", "ready"])
@pytest.mark.parametrize("status", STATUSES, ids=str)
def test_it_is_what_the_template_gives(
    status: dict[str, Any], workers: Sequence[wire.Announcement]
) -> None:
    page, seen, entry = state(), snapshot(status, workers), model_entry()
    html = quiet_update(page, seen, entry)
    delta = delta_of_pending(page, seen)
    context = update_context(page, seen, entry, delta, is_changed=False)
    whole = render_to_string("poll/_update.html", {**context})
    assert html is not None
    assert compact(html) == compact(whole)


@pytest.mark.parametrize(
    "page",
    [
        state(change_counter="6"),
        state(change_counter=""),
        state(owner_fingerprint=owner_fingerprint(UUID(int=1))),
        state(conversation=None, is_account=True, owner_fingerprint=""),
        state(scarce_limit_due_at=1),
        state(cursors=((str(REPLY), 1, 10),)),
    ],
    ids=["changed", "unknown", "another's", "logged out", "limit due", "begun again"],
)
def test_there_is_none_where_more_is_to_be_said(page: PageState) -> None:
    assert quiet_update(state(), snapshot(RUNNING), model_entry()) is not None
    assert quiet_update(page, snapshot(RUNNING), model_entry()) is None
