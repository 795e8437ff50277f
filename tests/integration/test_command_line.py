"""The command ``chatsite`` against a whole site."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

from chatsite.cli.errors import Exit
from tests.documents import DOCUMENTS, rows_of
from tests.integration.command_line import SECONDS, SLOW, CommandLine
from tests.integration.whole_site import WORKER_ROWS
from tests.processes import ROOT
from worker.engine.script import expected_reply


def test_it_starts_without_django_torch_and_the_tiers() -> None:
    program = "import sys, chatsite.cli.__main__; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded <= {*sys.stdlib_module_names, "chatsite", "__main__"}


def test_a_question_is_answered(chatsite: CommandLine) -> None:
    assert chatsite("ask", "one", "two") == f"{expected_reply('one two')}\n"
    assert chatsite("ask", stdin="from a pipe\n").startswith("You said: from a pipe")
    assert chatsite("ask", "--no-stream", "all") == f"{expected_reply('all')}\n"


def test_a_message_for_idle_time_is_answered_where_all_are_idle(
    chatsite: CommandLine,
) -> None:
    answer = json.loads(chatsite("ask", "--json", "--when-idle", "later"))
    assert (answer["when_idle"], answer["state"]) == (True, "done")


def test_a_conversation_goes_on(chatsite: CommandLine) -> None:
    assert "no conversation" in chatsite("ask", "-c", "first", code=2)
    first = json.loads(chatsite("ask", "--json", "first"))
    second = json.loads(chatsite("ask", "--json", "second", "-c"))
    assert second["conversation"] == first["conversation"]
    other = json.loads(chatsite("ask", "--json", "other"))
    assert other["conversation"] != first["conversation"]
    named = json.loads(
        chatsite("ask", "--json", "third", "--conversation", first["conversation"])
    )
    assert named["conversation"] == first["conversation"]


def test_conversations_are_listed_and_shown(chatsite: CommandLine) -> None:
    """Also where they are longer than what the server gives at once."""
    first = json.loads(chatsite("ask", "--json", "a first"))["conversation"]
    chatsite("ask", "-c", "a second")
    last = json.loads(chatsite("ask", "--json", "another"))["conversation"]
    lines = [line.split("\t") for line in chatsite("list", "-n", "2").splitlines()]
    assert [(line[0], line[2]) for line in lines] == [
        (last, "another"),
        (first, "a first"),
    ]
    messages = [
        json.loads(line) for line in chatsite("show", "--json", first).splitlines()
    ]
    texts = [one["text"] for one in messages]
    assert texts == [
        "a first",
        expected_reply("a first"),
        "a second",
        expected_reply("a second"),
    ]
    shown = chatsite("show", first)
    assert all(text in shown for text in texts)
    assert chatsite("show", "no-such-conversation", code=2)


def test_settings_hold_for_the_conversation(chatsite: CommandLine) -> None:
    reply = json.loads(
        chatsite("ask", "--json", "--max-tokens", "5", "-s", "Be brief.", "a b c d")
    )
    assert (reply["is_length_limited"], reply["tokens"]) == (True, 5)
    more = json.loads(
        chatsite("ask", "-c", "--json", "--seed", "3", "--stop", "zz", "e f g h")
    )
    assert more["tokens"] == 5
    assert "model" in chatsite("ask", "-m", "no-such-model", "unsent", code=2)
    assert "unsent" not in chatsite("list")


def test_a_file_is_attached_as_the_page_does(
    chatsite: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / 'a "b".py'
    path.write_text("print(1)\n```\n")
    reply = chatsite("ask", "-f", str(path), "[words=9] What is this?")
    assert (
        reply
        == expected_reply(
            '````py title="a _b_.py"\nprint(1)\n```\n````\n\n[words=9] What is this?'
        )
        + "\n"
    )
    path.write_bytes(b"\0\1")
    assert "is not a text" in chatsite("ask", "-f", str(path), "x", code=2)


def test_text_is_written_as_it_grows_and_ctrl_c_stops_it(
    chatsite: CommandLine,
) -> None:
    asking = chatsite.start("ask", f"on and on {SLOW}")
    assert asking.stdout is not None
    begun = os.read(asking.stdout.fileno(), 100)
    assert begun
    asking.send_signal(signal.SIGINT)
    out, err = asking.communicate(timeout=SECONDS)
    assert asking.returncode == 130
    assert b"stopped; its text so far is kept" in err
    assert len(out.split()) < 2000
    state = chatsite.site.run_python(
        "from chat.models import Reply; print(Reply.objects.latest('queued_at').state)"
    )
    assert state.strip() == "stopped"


def test_the_place_in_line_is_shown_on_a_terminal(
    chatsite: CommandLine, until: Callable[..., None]
) -> None:
    """Those before it take all rows of the worker, and the first place."""
    # What earlier tests have left unread may still be written.
    until(lambda: chatsite.site.free_rows == WORKER_ROWS, 40)
    slow = [chatsite.start("ask", f"{n} {SLOW}") for n in range(WORKER_ROWS)]
    for one in slow:
        assert one.stdout is not None
        os.read(one.stdout.fileno(), 1)
    first = json.loads(chatsite("ask", "--json", "--detach", SLOW))
    screen, terminal = pty.openpty()
    waiting = chatsite.start("ask", "I wait", stderr=terminal)
    seen = b""
    while not re.search(rb"1 ahead of you", seen):
        seen += os.read(screen, 1000)
    chatsite("stop", first["id"])
    for one in [*slow, waiting]:
        one.send_signal(signal.SIGINT)
        one.communicate(timeout=SECONDS)
    for file in (screen, terminal):
        os.close(file)


def test_a_lost_connection_loses_nothing(chatsite: CommandLine) -> None:
    prompt = "steady [words=60] [delay=0.05]"
    asking = chatsite.start("ask", prompt)
    assert asking.stdout is not None
    begun = os.read(asking.stdout.fileno(), 1)
    chatsite.site.restart_web()
    out, _ = asking.communicate(timeout=SECONDS)
    assert asking.returncode == 0
    assert (begun + out).decode() == f"{expected_reply(prompt)}\n"


def test_errors_say_what_to_do_and_have_codes_of_their_own(
    chatsite: CommandLine,
) -> None:
    assert "API key" in chatsite("models", code=3, CHATSITE_API_KEY="csk_wrong")
    assert "chatsite login" in chatsite("models", code=3, CHATSITE_API_KEY="")
    nowhere = {"CHATSITE_URL": "http://127.0.0.1:9"}
    assert "cannot be reached" in chatsite("models", code=5, **nowhere)
    assert chatsite("ask", "[fail]", code=1)
    chatsite("stop", "no-such-reply", code=2)
    limited = {"CHATSITE_API_KEY": chatsite.site.also_limited}
    chatsite("ask", "1", **limited)
    chatsite("ask", "2", **limited)
    assert chatsite("ask", "3", code=4, **limited).count("again in") == 1


def test_a_key_is_kept_where_others_cannot_read_it(
    chatsite: CommandLine, tmp_path: Path
) -> None:
    del chatsite.environment["CHATSITE_API_KEY"]
    wrong = chatsite("login", stdin="csk_wrong\n", code=3)
    assert "wrong" in wrong
    chatsite("login", stdin=f"{chatsite.site.key}\n")
    assert chatsite("models").split() == ["scripted", "Scripted", "replies"]
    path = tmp_path / ".config/chatsite/keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # No other site gets it.
    other = chatsite("models", code=3, CHATSITE_URL="http://127.0.0.1:9")
    assert "no API key for" in other
    path.chmod(0o640)
    refused = chatsite("models", code=3)
    assert "chmod 600" in refused
    assert chatsite.site.key not in refused


def test_a_terminal_gets_no_control_characters() -> None:
    program = (
        "from chatsite.cli.terminal import Terminal; Terminal().text('a\\x1b[2Jb\\n')"
    )
    screen, terminal = pty.openpty()
    command = [sys.executable, "-c", program]
    subprocess.run(command, cwd=ROOT, stdout=terminal, check=True)
    assert os.read(screen, 1000).decode() == "a\ufffd[2Jb\r\n"
    piped = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert piped.stdout == b"a\x1b[2Jb\n"
    for file in (screen, terminal):
        os.close(file)


def test_the_examples_of_the_document_run(
    chatsite: CommandLine, tmp_path: Path
) -> None:
    page = DOCUMENTS["docs/command-line.md"]
    block = page.split("<!-- A test runs this block. -->")[1].split("```")[1]
    command = tmp_path / "chatsite"
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m chatsite.cli "$@"\n'
    )
    command.chmod(0o755)
    (tmp_path / "Makefile").write_text("all:\n")
    (tmp_path / "git").write_text("#!/bin/sh\necho a change\n")
    (tmp_path / "git").chmod(0o755)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.removeprefix("sh\n")],
        cwd=tmp_path,
        env={**chatsite.environment, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    assert done.stdout.count("You said:") >= 4
    assert json.loads((tmp_path / "reply.json").read_text())["state"] == "done"


def test_what_is_installed_as_a_command_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    target = EntryPoint("chatsite", project["scripts"]["chatsite"], "console_scripts")
    assert callable(target.load())
    assert not project.get("dependencies")


def test_every_exit_code_is_documented() -> None:
    rows = rows_of(DOCUMENTS["docs/command-line.md"], "Exit codes")
    assert [int(row[0]) for row in rows] == [int(code) for code in Exit]
