"""A short run of each kind inside ``make test``; ``make chaos`` is the long one."""

from __future__ import annotations

import json

import pytest

from tests.chaos.run import Run
from tests.worker.test_exactness import IS_SOAK

#: One after another: each starts some eight processes.
pytestmark = [pytest.mark.timeout(400), pytest.mark.xdist_group("chaos")]


def test_whatever_breaks_every_prompt_has_one_reply_with_the_right_text() -> None:
    audit = Run(seconds=240 if IS_SOAK else 40, guests=12, pause=2).run()
    print(audit.to_json())
    assert audit.is_clean, audit.to_json()
    assert audit.failed == 0, audit.to_json()
    assert audit.keys_left == 0
    assert not audit.grown
    assert audit.prompts > 50
    assert audit.faults >= 4


CONTROLS = {
    # A frozen worker comes back and writes into what another one has taken.
    "fence": (["freeze_worker", "cut_worker_off"], ("wrong", "doubled")),
    # Nobody takes back what a lost worker held, nor publishes what Redis forgot.
    "sweep": (["flush_redis", "kill_worker"], ("pending",)),
    "key": (["kill_web", "break_connections"], ("doubled", "wrong")),
}


@pytest.mark.parametrize("without", CONTROLS)
def test_with_a_protection_switched_off_the_audit_finds_it(
    without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it would see nothing."""
    monkeypatch.setattr("tests.chaos.run.SETTLING_SECONDS", 8)
    monkeypatch.setattr("tests.chaos.run.LETTING_GO_SECONDS", 1)
    only, expected = CONTROLS[without]
    audit = Run(seconds=25, guests=12, pause=1, only=only, without=without).run()
    print(audit.to_json())
    assert any(getattr(audit, name) for name in expected), audit.to_json()


def test_an_audit_can_be_read_by_programs() -> None:
    from tests.chaos.audit import Audit

    found = json.loads(Audit(prompts=3).to_json())
    names = ("prompts", "faults", "failed", "lost", "doubled", "pending", "wrong")
    assert set(names) <= set(found)
    assert "recovery" in found
