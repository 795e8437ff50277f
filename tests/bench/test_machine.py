from __future__ import annotations

import os

import pytest

from bench import machine


def test_facts_name_the_machine_and_what_was_forced() -> None:
    found = machine.facts("avx2", 2, [19.2e9, 22.4e9, 21e9])
    assert found["memory"].endswith("read at 19 to 22 GB/s")
    assert found["instructions"].startswith("avx2 forced")
    assert "torch 2" in found["versions"]
    assert found["processor"]
    assert machine.facts("", 2, [])["memory"].endswith("read at unknown GB/s")


def test_an_instruction_set_is_forced_for_programs_that_start_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in machine.ISA_VARIABLES["avx2"]:
        monkeypatch.setenv(name, "")
    machine.force("avx2")
    assert os.environ["CT2_FORCE_CPU_ISA"] == "AVX2"
