"""Variables of the environment: taken literally, checked, and renamed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatsite.environment import rename_variables, value_of
from chatsite.settings_table import SETTINGS


def read_settings(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program that reads the settings and prints one of them."""
    code = "from chatsite import settings as s; print(s.HELD_MESSAGES_MAX)"
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DATA_DIR": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_bad_value_stops_the_start_and_names_the_variable(tmp_path: Path) -> None:
    done = read_settings(tmp_path, HELD_MESSAGES_MAX="two")
    assert done.returncode != 0
    assert "ImproperlyConfigured: HELD_MESSAGES_MAX must be a whole" in done.stderr


@pytest.mark.parametrize("value", ["two", "a\nb", "\udcff"])
def test_a_bad_value_under_an_old_name_names_both(tmp_path: Path, value: str) -> None:
    done = read_settings(tmp_path, PROMPTS_AHEAD_MAX=value)
    assert done.returncode != 0
    names = "HELD_MESSAGES_MAX (given as PROMPTS_AHEAD_MAX) must be "
    assert f"ImproperlyConfigured: {names}" in done.stderr


def test_an_old_name_is_read_with_a_warning_that_names_the_new_one(
    tmp_path: Path,
) -> None:
    done = read_settings(tmp_path, PROMPTS_AHEAD_MAX="7")
    assert done.stdout == "7\n"
    assert done.stderr == (
        "PROMPTS_AHEAD_MAX is now called HELD_MESSAGES_MAX: please rename it.\n"
    )


def test_a_new_name_goes_before_an_old_one(tmp_path: Path) -> None:
    done = read_settings(tmp_path, PROMPTS_AHEAD_MAX="7", HELD_MESSAGES_MAX="8")
    assert done.stdout == "8\n"
    assert "PROMPTS_AHEAD_MAX is ignored" in done.stderr


def test_a_child_process_inherits_the_new_name_and_does_not_warn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OLD", "5")
    monkeypatch.delenv("NEW", raising=False)
    assert len(list(rename_variables({"OLD": "NEW"}))) == 1
    assert (os.environ.get("OLD"), os.environ.pop("NEW")) == (None, "5")
    assert not list(rename_variables({"OLD": "NEW"}))


def test_the_longest_message_still_has_room_in_a_body(tmp_path: Path) -> None:
    done = read_settings(tmp_path, MESSAGE_MAX_CHARACTERS="41663936")
    assert done.returncode == 0, done.stderr


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for blank in ("", " "):
        monkeypatch.setenv("PORT", blank)
        assert SETTINGS["PORT"].read() == 8000


@pytest.mark.parametrize("raw", ["a\nb", "\x1b[31m"])
def test_a_value_is_one_line_of_text(raw: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", raw)
    with pytest.raises(ImproperlyConfigured, match="LOG_LEVEL must be one line"):
        value_of("LOG_LEVEL")
