from __future__ import annotations

from contextlib import ExitStack

import pytest
from django.db import OperationalError

from chatsite import writer_limit
from chatsite.writer_limit import WriterLimit

LONG = 10.0


@pytest.fixture
def limit() -> WriterLimit:
    return WriterLimit()


def test_in_a_rush_all_wait_and_those_beyond_the_limit_only_a_moment(
    limit: WriterLimit,
) -> None:
    with ExitStack() as waiting:
        given = [waiting.enter_context(limit.waiting(LONG, 2)) for _ in range(4)]
    assert given == [LONG, LONG, writer_limit.SOON_SECONDS, writer_limit.SOON_SECONDS]


def test_after_one_waited_in_vain_no_more_than_the_limit_wait(
    limit: WriterLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with limit.waiting(LONG, 1):
        monkeypatch.setattr(writer_limit, "SOON_SECONDS", 0.0)
        with pytest.raises(OperationalError, match="locked"), limit.waiting(LONG, 1):
            pytest.fail("was let in")
    with limit.waiting(LONG, 1) as seconds:
        assert seconds == LONG


def test_after_a_refusal_the_limit_holds_until_a_write_succeeds(
    limit: WriterLimit,
) -> None:
    with pytest.raises(OperationalError), limit.waiting(LONG, 1):
        raise OperationalError("database is locked")
    with (
        limit.waiting(LONG, 1),
        pytest.raises(OperationalError, match="locked"),
        limit.waiting(LONG, 1),
    ):
        pytest.fail("was let in")
    with limit.waiting(LONG, 1), limit.waiting(LONG, 1):
        pass


def test_a_short_wait_is_not_counted(limit: WriterLimit) -> None:
    with limit.waiting(0.1, 1) as first, limit.waiting(0.1, 1) as second:
        assert (first, second) == (0.1, 0.1)
