"""Runs the steps of a sweep, so that what is wrong with one row stops no other."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError

from chatsite.mailbox import MailboxAway

log = logging.getLogger(__name__)

Item = TypeVar("Item")

#: A step that fails so often for a row is given up, if it can be.
TRIES: Final = 5
#: The failures of one row are logged once in this many.
QUIET_FAILURES: Final = 600
FAILURES_KEPT: Final = 1000
#: How often each step has failed for each row.
_failures: Counter[str] = Counter()


def guarded(
    step: Callable[[Item], object],
    item: Item,
    *,
    at_last: Callable[[Item], object] | None = None,
) -> None:
    """Run a step for one row; ``at_last`` as well if the step fails too often.

    Raises what ends the sweep.
    """
    try:
        step(item)
    except Exception as error:
        if ends_the_sweep(error):
            raise
        failures = _count_failure(f"{step.__name__} {item}")
        if failures % QUIET_FAILURES == 1:
            log.exception("%s failed for %s", step.__name__, item)
        if at_last is not None and failures >= TRIES:
            guarded(at_last, item)


def ends_the_sweep(error: Exception) -> bool:
    """Whether Redis or the database failed, and not what was done with one row."""
    if isinstance(error, DataError | IntegrityError):
        return False
    return isinstance(error, MailboxAway | DatabaseError | InterfaceError)


def _count_failure(what: str) -> int:
    if len(_failures) >= FAILURES_KEPT:
        _failures.clear()
    _failures[what] += 1
    return _failures[what]
