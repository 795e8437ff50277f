"""The command ``chatsite`` where the machine that it runs on refuses something."""

from __future__ import annotations

import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.integration.command_line import COMMAND, SECONDS, CommandLine
from tests.processes import ROOT
from worker.engine.script import expected_reply


def in_shell(chatsite: CommandLine, line: str) -> subprocess.CompletedProcess[str]:
    """Run the command with the redirections of a line."""
    return subprocess.run(
        ["bash", "-c", f"{shlex.join(COMMAND)} {line}"],
        cwd=ROOT,
        env=chatsite.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_a_reply_is_shown_also_if_its_conversation_cannot_be_kept(
    chatsite: CommandLine, tmp_path: Path
) -> None:
    chatsite.environment["XDG_STATE_HOME"] = "/proc/x"
    done = in_shell(chatsite, "ask hi")
    assert (done.returncode, done.stdout) == (0, f"{expected_reply('hi')}\n")
    assert "/proc/x/chatsite/last.json cannot be" in done.stderr
    assert "--continue will not find" in done.stderr
    chatsite.environment["XDG_STATE_HOME"] = str(tmp_path)
    (tmp_path / "chatsite").mkdir()
    broken = tmp_path / "chatsite" / "last.json"
    broken.write_text("{")
    broken.chmod(0o600)
    done = in_shell(chatsite, "ask hi")
    assert (done.returncode, done.stdout) == (0, f"{expected_reply('hi')}\n")
    assert f"{broken} cannot be read" in done.stderr


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_a_reply_needs_no_standard_error(
    chatsite: CommandLine, redirection: str
) -> None:
    done = in_shell(chatsite, f"ask hi {redirection}")
    assert (done.returncode, done.stdout) == (0, f"{expected_reply('hi')}\n")


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("ask unsent >&-", 2, "Standard output is closed."),
        ("ask unsent <&- >&- 2>&-", 2, ""),
        ("ask <&-", 2, "Give a text."),
        ("ask 0>/dev/null", 2, "Standard input cannot be read"),
        ("ask < <(printf '\\0')", 2, "is not a text"),
        ("batch - <&-", 2, "each line is a JSON object"),
        ("ask sent >/dev/full", 1, "No space left on device"),
        ("list >/dev/full", 1, "No space left on device"),
        ("models 2>/dev/full >/dev/full", 1, ""),
        ("show $'\\xff'", 2, ""),
        ("batch $'\\xff.jsonl'", 2, "cannot be read"),
    ],
)
def test_what_cannot_be_read_or_written_is_said_in_a_line(
    chatsite: CommandLine, line: str, code: int, said: str
) -> None:
    chatsite("ask", "the list is not empty")
    done = in_shell(chatsite, line)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 1
    assert "unsent" not in chatsite("list")


def test_a_message_that_no_worker_answers_is_told_apart(chatsite: CommandLine) -> None:
    asking = chatsite.start("ask", "-m", "gpt2", "hi")
    assert asking.stderr is not None
    said = asking.stderr.readline()
    assert said == (b"No worker serves gpt2 now; the message waits. Ctrl+C stops it.\n")
    asking.send_signal(signal.SIGINT)
    asking.communicate(timeout=SECONDS)
    assert asking.returncode == 130
