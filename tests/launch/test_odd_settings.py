"""Every setting with every odd value: it starts, or one line names it.

Most cells only read the settings, as every program does first. Some start the site.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chatsite.settings_table import SETTINGS
from tests.environment import IS_SOAK
from tests.launch.process_tree import ROOT, Start, clean_environment
from tests.processes import free_port

SECRET = "hunter2"
#: Read as more than a number or a word; these get every value also in a short run.
RICH = {
    *("DATA_DIR", "CHAT_CATALOG", "CHAT_MODEL", "STATIC_ROOT", "REDIS_CA_FILE"),
    *("REDIS_URL", "DATABASE_URL", "EMAIL_URL", "SITE_URL", "MAIL_FROM", "BIND"),
    *("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "TRUSTED_PROXIES", "SECRET_KEY", "PORT"),
    *("URL_PREFIX", "SCRIPT_NAME", "PROXY_SCHEME_HEADER"),
}
EVERY = 12
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


def test_every_setting_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    names = sorted(SETTINGS.keys() - READ_LATER | {"SCRIPT_NAME"})
    cells = [
        (name, value)
        for number, name in enumerate(names)
        for value in (ODD if IS_SOAK or name in RICH else ODD[number % EVERY :: EVERY])
    ]
    here = tmp_path / "outer" / "here"
    here.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.launch.settings_reader", str(here)],
        env=clean_environment(
            PYTHONPATH=str(ROOT), HOME=str(here), DATA_DIR=str(here / "data")
        ),
        input=json.dumps([{name: value} for name, value in cells]),
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    for (name, value), (status, said) in zip(
        cells, json.loads(done.stdout), strict=True
    ):
        cell = f"{name}={value[:40]!r}: {status} {said}"
        assert status in (0, 2), cell
        assert "Traceback" not in said and SECRET not in said, cell
        assert len(said) < 1000, cell
        if status == 2:
            assert name in said and len(said.splitlines()) == 1, cell
    # A relative path is taken from `here`, and `..` leads to the folder around it.
    assert {path.name for path in tmp_path.iterdir()} == {"outer"}
    assert {path.name for path in (tmp_path / "outer").iterdir()} == {"here", "up"}


NAMES = (
    "every #1 ;2 %41 %(x)s c++ $HOME 'q' \"q\" [ü] why? \\",
    *(
        ("notes #1", "c++", "why?", "$HOME", "100%", "it's", "x" * 200)
        if IS_SOAK
        else ()
    ),
)


def copy_checkout(to: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for part in (
        "chat",
        "chatsite",
        "worker",
        "launch",
        "templates",
        "static",
        "locale",
    ):
        shutil.copytree(ROOT / part, to / part, ignore=ignored)
    for part in ("manage.py", "catalog.toml", "Makefile"):
        shutil.copy(ROOT / part, to / part)


@pytest.mark.parametrize("name", NAMES)
def test_a_site_starts_whatever_its_folders_are_called(
    tmp_path: Path, name: str
) -> None:
    """By make, in a checkout of that name, too; on a terminal that knows only ASCII,
    and with secrets that look like variables."""
    checkout = tmp_path / "checkout" / name
    copy_checkout(checkout)
    straight = tmp_path / "straight.py"
    straight.write_text(
        "import os, sys\nos.execv(sys.executable, [sys.executable, *sys.argv[2:]])\n"
    )
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    port = free_port()
    site = Start(
        [
            *("make", "run", f"PYTHON={sys.executable}"),
            f"WITH={sys.executable} {straight}",
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
        site.process.wait(20)
    finally:
        site.end()
    assert "Traceback" not in site.text
    assert os.listdir(home) == [name]
    assert not (checkout / "data").exists()
    assert (home / name / "chatsite.sqlite3").stat().st_size
    assert not (home / name / "secret_key").exists()
    assert not os.listdir(temporary)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATA_DIR", "/dev/null/x"),
        ("BIND", "nowhere.invalid"),
        ("REDIS_URL", f"redis://:{SECRET}/x@127.0.0.1/1"),
        ("DATABASE_URL", f"postgres://u:{SECRET}#x@h/n"),
    ],
)
@pytest.mark.parametrize(
    "program",
    [
        ("manage.py", "check"),
        ("-m", "celery", "-A", "chatsite", "worker"),
        ("-m", "gunicorn", "--config", "python:launch.gunicorn_config", "x:y"),
        ("-m", "worker.fetch"),
        ("-m", "launch", "status"),
    ],
    ids=["manage", "celery", "gunicorn", "fetch", "status"],
)
def test_every_program_refuses_in_one_line(
    tmp_path: Path, program: tuple[str, ...], name: str, value: str
) -> None:
    if name == "BIND" and "gunicorn" not in program:
        pytest.skip("only the web server listens")
    done = subprocess.run(
        [sys.executable, *program],
        cwd=ROOT,
        env=clean_environment(**({"DATA_DIR": str(tmp_path)} | {name: value})),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 2, said
    assert len(said) == 1 and name in said[0] and SECRET not in said[0]
