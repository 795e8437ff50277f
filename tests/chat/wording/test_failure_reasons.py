"""Every reason for which a reply fails has a sentence of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

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


@pytest.mark.parametrize("code", REASONS)
def test_a_reason_is_given_by_a_worker_or_the_mailbox(code: wire.ErrorCode) -> None:
    folders = [Path(settings.BASE_DIR, name) for name in ("worker", "chatsite/mailbox")]
    sources = [path.read_text() for folder in folders for path in folder.rglob("*.py")]
    assert any(f"ErrorCode.{code.name}" in source for source in sources)


def test_no_two_reasons_share_a_sentence() -> None:
    assert len({sentence(code) for code in REASONS}) == len(REASONS)


def test_a_reason_of_a_newer_worker_has_the_general_sentence() -> None:
    assert sentence("too_hot") == str(UNKNOWN_REASON)
