"""The line below a reply: how it ended, how long it took, how long it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chat.models import Reply
from chat.wording.replies import summary
from chatsite import wire

START = datetime(2026, 3, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "seconds", "tokens", "said"),
    [
        (wire.State.DONE, 0.004, 1, "0.1 s · 1 token"),
        (wire.State.DONE, 0.31, 12, "0.3 s · 12 tokens"),
        (wire.State.DONE, 4.8, 1200, "5 s · 1,200 tokens"),
        (wire.State.STOPPED, 72, 9, "Stopped · 1 min 12 s · 9 tokens"),
        (wire.State.FAILED, None, None, "Failed"),
    ],
)
def test_a_reply_is_summed_up(
    state: str, seconds: float | None, tokens: int | None, said: str
) -> None:
    ended = None if seconds is None else START + timedelta(seconds=seconds)
    started = None if seconds is None else START
    reply = Reply(state=state, started_at=started, finished_at=ended, new_tokens=tokens)
    assert summary(reply) == said
