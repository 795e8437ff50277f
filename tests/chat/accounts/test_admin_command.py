"""``manage.py admin`` in a terminal and for programs."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from chat.models import User
from tests.chat.accounts.conftest import PASSWORD
from tests.processes import ROOT


def made(
    monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = "", **variables: str
) -> str:
    said = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO(typed))
        for name in ("ADMIN_NAME", "ADMIN_PASSWORD"):
            patch.delenv(name, raising=False)
        for name, value in variables.items():
            patch.setenv(name, value)
        call_command("admin", *arguments, stdout=said)
    return said.getvalue()


@pytest.mark.django_db
class TestForPrograms:
    def test_the_password_is_read_from_the_input(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "bee is a superuser." in made(monkeypatch, "bee", typed=f"{PASSWORD}\n")
        user = User.objects.get()
        assert user.is_superuser
        assert user.is_staff
        assert user.check_password(PASSWORD)

    def test_name_and_password_are_read_from_the_environment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made(monkeypatch, ADMIN_NAME="admin", ADMIN_PASSWORD=PASSWORD)
        assert User.objects.get().username == "admin"
        said = made(monkeypatch, ADMIN_NAME="admin", ADMIN_PASSWORD=PASSWORD)
        assert "already" in said
        assert User.objects.count() == 1

    @pytest.mark.parametrize(
        ("name", "password"), [("bee", "short"), ("a b", PASSWORD), ("bee", "")]
    )
    def test_invalid_names_and_passwords_are_refused(
        self, name: str, password: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(CommandError):
            made(monkeypatch, name, typed=f"{password}\n")
        assert not User.objects.exists()

    def test_without_a_name_no_account_is_made(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is piped is the password, never the name."""
        with pytest.raises(CommandError, match="Give the name") as refused:
            made(monkeypatch, typed=f"{PASSWORD}\n")
        assert PASSWORD not in str(refused.value)
        assert not User.objects.exists()

    def test_an_account_is_promoted_only_with_the_option(
        self, account: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(CommandError, match="--promote"):
            made(monkeypatch, "bee", typed="\n")
        account.refresh_from_db()
        assert not account.is_superuser
        assert "superuser now" in made(monkeypatch, "BEE", "--promote")
        account.refresh_from_db()
        assert account.is_superuser
        assert account.check_password(PASSWORD)
        with pytest.raises(CommandError, match="no account"):
            made(monkeypatch, "wasp", "--promote")


def test_in_a_terminal_the_command_asks_and_shows_no_password(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'site.sqlite3'}",
    }
    command = [sys.executable, "manage.py"]
    subprocess.run([*command, "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execve(sys.executable, [*command, "admin"], environment)
    shown = ""
    for question, answer in (
        ("Name: ", "bee"),
        ("Password: ", "short"),
        ("Password: ", PASSWORD),
        ("Password again: ", "another one"),
        ("Password: ", PASSWORD),
        ("Password again: ", PASSWORD),
    ):
        shown += _read_until(terminal, question)
        os.write(terminal, f"{answer}\n".encode())
    shown += _read_until(terminal, "bee is a superuser.")
    assert "too short" in shown
    assert "two different ones" in shown
    assert PASSWORD not in shown
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)


def test_the_end_of_the_input_ends_the_line_of_the_question(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        environment = {**os.environ, "DATA_DIR": str(tmp_path)}
        environment.pop("ADMIN_NAME", None)
        command = [sys.executable, "manage.py", "admin"]
        os.execve(sys.executable, command, environment)
    _read_until(terminal, "Name: ")
    os.write(terminal, b"\x04")
    said = _read_until(terminal, "Nothing was made.")
    assert said.startswith("\r\n"), said
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    os.close(terminal)


def _read_until(terminal: int, said: str) -> str:
    shown = ""
    while said not in shown:
        shown += os.read(terminal, 1000).decode()
    return shown


def test_before_the_first_start_the_command_says_what_is_missing(
    tmp_path: Path,
) -> None:
    ran = subprocess.run(
        [sys.executable, "manage.py", "admin", "bee"],
        cwd=ROOT,
        env={
            **os.environ,
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'site.sqlite3'}",
            "ADMIN_PASSWORD": PASSWORD,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "No site was started" in ran.stderr
    assert "Traceback" not in ran.stderr
