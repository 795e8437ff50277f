"""A start says what a C compiler would gain, where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from launch.checks import compiler_hint


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are looked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_machine_without_a_compiler_is_told_what_it_would_gain(folder: Path) -> None:
    assert "no C compiler" in compiler_hint(folder, "auto")


def test_a_library_that_was_built_earlier_needs_no_compiler(folder: Path) -> None:
    (folder / "native").mkdir()
    (folder / "native" / "engine-avx2-0123.so").touch()
    assert compiler_hint(folder, "auto") == ""


@pytest.mark.parametrize("name", ["cc", "gcc", "clang"])
def test_a_machine_with_a_compiler_is_told_nothing(folder: Path, name: str) -> None:
    (folder / name).touch(mode=0o755)
    assert compiler_hint(folder, "auto") == ""


def test_who_asks_for_int8_is_not_told_that_no_compiler_is_needed(folder: Path) -> None:
    assert compiler_hint(folder, "int8") == ""
