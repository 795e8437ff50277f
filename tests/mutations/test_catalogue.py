"""The catalogue of faults fits the code; whether they are found takes longer to tell."""

from __future__ import annotations

from collections import Counter

from tests.mutations.__main__ import missing
from tests.mutations.catalogue import MUTATIONS

SUBJECTS = {"fencing", "owner", "idempotency", "sampling", "rendering"}


def test_every_fault_can_be_made() -> None:
    assert missing(MUTATIONS) == []


def test_every_subject_has_several() -> None:
    counts = Counter(one.subject for one in MUTATIONS)
    assert counts.keys() == SUBJECTS
    assert min(counts.values()) >= 7
    assert counts.total() == 44
