"""Every setting with every odd value: it starts, or one line names it.

Most cells only read the settings, as every program does first. Some start the site.
"""

from __future__ import annotations

import http.client
import os
import shutil
import sys
from pathlib import Path

import pytest

from chatsite.settings_table import SETTINGS
from tests.environment import IS_SOAK
from tests.launch.forked_starts import run_cases
from tests.launch.process_tree import ROOT, Start, eventually, make_run, run
from tests.processes import free_port

SECRET = "hunter2"
#: Settings that are read as more than a number or a word. A short run gives them every
#: third value, and the others every sixteenth; `make soak` gives all values to all.
RICH = {
    *("DATA_DIR", "CHAT_CATALOG", "CHAT_MODEL", "STATIC_ROOT", "REDIS_CA_FILE"),
    *("REDIS_URL", "DATABASE_URL", "EMAIL_URL", "SITE_URL", "MAIL_FROM", "BIND"),
    *("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "TRUSTED_PROXIES", "SECRET_KEY", "PORT"),
    *("URL_PREFIX", "SCRIPT_NAME", "PROXY_SCHEME_HEADER"),
}
#: Taken for the names of folders, too.
ODD = (
    "",
    " ",
    "a b",
    " 5 ",
    "notes #1",
    "a;b ;c",
    "100%",
    "%41 %(x)s %",
    "c++",
    "$HOME",
    "$$ ${x} $(id)",
    "it's",
    'say "hi"',
    "[x]",
    "[::1",
    "{y}",
    "why?",
    "ünï",
    "８０",
    "1_000",
    "nan",
    "1e999",
    "-1",
    "0",
    "127.1",
    "*",
    "~nobody-here/x",
    "~",
    "../up",
    "a\nb",
    "\x1b[31m",
    "x" * 300,
    "x/" * 3000,
    "9" * 5000,
    "/dev/null/x",
    "/dev/null",
    f"redis://u:{SECRET}[x@h",
    f"redis://u:{SECRET}/x@h/db",
    f"postgres://u:{SECRET}#x@h/n",
    f"smtp://u:1?{SECRET}@h",
    f"https://u:{SECRET}@h[",
    "unix:///x?db=x",
    "sqlite:////",
    "sqlite:////tmp/a%00b",
    "unix:///tmp/a%00b",
    "redis://%2Ftmp%2Fx.sock/0",
    ",",
    "host:80",
    "https://h/",
)
#: Settings that only `make` reads, or a command.
READ_LATER = {
    "TORCH",
    "PYTHON",
    "ADMIN_NAME",
    "ADMIN_PASSWORD",
    "HF_HOME",
    "HF_ENDPOINT",
}


def every(name: str) -> int:
    return 3 if name in RICH else 16


def test_every_setting_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    names = sorted(SETTINGS.keys() - READ_LATER | {"SCRIPT_NAME"})
    cells = [
        (name, value)
        for number, name in enumerate(names)
        for value in (ODD if IS_SOAK else ODD[number % every(name) :: every(name)])
    ]
    here = tmp_path / "outer" / "here"
    here.mkdir(parents=True)
    results = run_cases(
        here,
        [(None, {name: value}) for name, value in cells],
        HOME=str(here),
        DATA_DIR=str(here / "data"),
    )
    for (name, value), (status, said) in zip(cells, results, strict=True):
        cell = f"{name}={value[:40]!r}: {status} {said}"
        assert status in (0, 2), cell
        assert "Traceback" not in said and SECRET not in said, cell
        assert len(said) < 1000, cell
        if status == 2:
            assert name in said and len(said.splitlines()) == 1, cell
    # A relative path is taken from `here`, and `..` leads to the folder around it.
    assert {path.name for path in tmp_path.iterdir()} == {"outer"}
    made = {path.name for path in (tmp_path / "outer").iterdir()}
    assert made == {"here", "up"} if IS_SOAK else made <= {"here", "up"}


NAMES = (
    "every #1 ;2 %41 %(x)s c++ $HOME 'q' \"q\" [ü] why? \\",
    *(
        ("notes #1", "c++", "why?", "$HOME", "100%", "it's", "x" * 200)
        if IS_SOAK
        else ()
    ),
)


def copy_checkout(to: Path) -> None:
    for part in (
        "chat",
        "chatsite",
        "worker",
        "launch",
        "templates",
        "static",
        "styles",
        "locale",
    ):
        shutil.copytree(ROOT / part, to / part)
    for part in ("manage.py", "catalog.toml", "Makefile"):
        shutil.copy(ROOT / part, to / part)


@pytest.mark.parametrize("name", NAMES)
def test_a_site_starts_whatever_its_folders_are_called(
    tmp_path: Path, name: str
) -> None:
    """Start by make in a checkout of that name, in an ASCII terminal; end by SIGTERM.

    The secrets look like variables of a shell.
    """
    checkout = tmp_path / "checkout" / name
    copy_checkout(checkout)
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    port = free_port()
    site = Start(
        [
            *make_run(tmp_path),
            f"DATA_DIR={home / name}",
        ],
        tmp_path / "output",
        cwd=checkout,
        DATA_DIR=str(home / name),
        CHAT_MODEL="scripted",
        PORT=str(port),
        BIND="*",
        SECRET_KEY="$HOME" + "#;%(x)s'" * 6,
        ALLOWED_HOSTS=f"127.0.0.1:{port},[::1]",
        HTTPS_ONLY="on",
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
        PYTHONIOENCODING="ascii",
        TMPDIR=str(temporary),
    )
    try:
        site.wait_for("^ready: ")
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        asked.request("GET", "/healthz")
        assert asked.getresponse().status == 200
        asked.close()
        site.process.terminate()
        eventually(lambda: not site.pids(), 20, "all processes gone")
    finally:
        site.end()
    assert "Traceback" not in site.text
    assert os.listdir(home) == [name]
    assert not (checkout / "data").exists()
    assert (home / name / "chatsite.sqlite3").stat().st_size
    assert not (home / name / "secret_key").exists()
    assert not os.listdir(temporary)


PROGRAMS = {
    "manage": ("manage.py", "check"),
    "celery": ("-m", "celery", "-A", "chatsite", "worker"),
    "gunicorn": ("-m", "gunicorn", "--config", "python:launch.gunicorn_config", "x:y"),
    "fetch": ("-m", "worker.fetch"),
    "status": ("-m", "launch", "status"),
}
BAD_REDIS_URL = ("REDIS_URL", f"redis://:{SECRET}/x@127.0.0.1/1")


@pytest.mark.parametrize(
    ("program", "name", "value"),
    [
        *((program, *BAD_REDIS_URL) for program in PROGRAMS),
        ("gunicorn", "BIND", "nowhere.invalid"),
        ("manage", "DATA_DIR", "/dev/null/x"),
        ("celery", "DATABASE_URL", f"postgres://u:{SECRET}#x@h/n"),
    ],
)
def test_every_program_refuses_in_one_line(
    tmp_path: Path, program: str, name: str, value: str
) -> None:
    """All begin in the same way; the table above shows which values are refused."""
    done = run(
        [sys.executable, *PROGRAMS[program]],
        **({"DATA_DIR": str(tmp_path)} | {name: value}),
    )
    said = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 2, said
    assert len(said) == 1 and name in said[0] and SECRET not in said[0]
