"""Every reason for which a reply fails has a sentence of its own."""

from __future__ import annotations

import pytest

from chat.models import Reply
from chat.wording.replies import UNKNOWN_REASON, reason
from chatsite import wire

REASONS = list(wire.ErrorCode)


def sentence(error: str) -> str:
    return reason(Reply(error=error, losses=3))


@pytest.mark.parametrize("code", REASONS)
def test_a_reason_has_a_sentence_with_its_blanks_filled_in(code: str) -> None:
    said = sentence(code)
    assert said != str(UNKNOWN_REASON)
    assert said.endswith(".")
    assert "%" not in said


def test_no_two_reasons_share_a_sentence() -> None:
    assert len({sentence(code) for code in REASONS}) == len(REASONS)


def test_a_reason_of_a_newer_worker_has_the_general_sentence() -> None:
    assert sentence("too_hot") == str(UNKNOWN_REASON)
