"""Odd input of the command: a sentence and an exit code answer it."""

from __future__ import annotations

from email.parser import BytesHeaderParser
from pathlib import Path

import pytest

from chatsite.cli.__main__ import main
from chatsite.cli.arguments import parse
from chatsite.cli.batch import _form
from chatsite.cli.errors import Exit

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("CHATSITE_URL", NOWHERE)
    monkeypatch.setenv("CHATSITE_API_KEY", "csk_some")
    return tmp_path


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1",
        "http://a:99999",
        "http://a:abc",
        f"http://{'a' * 70}.example",
        "http://a..b",
        "http://a b",
        "chat.example.org",
        "https://:80",
    ],
)
def test_what_is_no_address_is_named(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--url", url, "models"]) == Exit.USAGE
    assert capsys.readouterr().err.startswith(f"{url} is no address of a site")


def test_an_address_may_have_letters_of_any_language() -> None:
    assert main(["--url", f"{NOWHERE}/ü", "models"]) == Exit.UNREACHABLE


@pytest.mark.parametrize("key", ["ключ", "csk_a\nX-Other: b", "two words"])
def test_what_is_no_key_is_not_sent(
    key: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATSITE_API_KEY", key)
    assert main(["models"]) == Exit.KEY
    said = capsys.readouterr().err
    assert "CHATSITE_API_KEY holds no API key" in said
    assert key not in said


@pytest.mark.parametrize("command", [["show"], ["stop"], ["batch", "status"]])
def test_an_id_may_be_no_utf8(command: list[str]) -> None:
    assert main([*command, "\udcff"]) == Exit.UNREACHABLE


def test_a_file_that_nests_deeply_is_no_batch(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / "deep.jsonl"
    path.write_text("[" * 200_000)
    assert main(["batch", str(path)]) == Exit.USAGE
    assert "each line is a JSON object" in capsys.readouterr().err


def test_the_name_of_a_file_adds_nothing_to_the_form() -> None:
    body, _ = _form('a"; x="\r\nContent-Type: text/html\r\n\r\n\udcff.jsonl', b"{}")
    part = body.split(b"\r\n", 5)[5]
    head = BytesHeaderParser().parsebytes(part)
    assert head.get_filename() == "a_; x=___Content-Type: text/html_____.jsonl"
    assert head.get_content_type() == "application/jsonl"


def test_the_address_is_before_or_after_the_command() -> None:
    for arguments in (["--url", "http://b/", "login"], ["login", "--url", "http://b/"]):
        assert parse(arguments).url == "http://b"
    assert parse(["ask", "hi"]).url == NOWHERE


def test_the_hint_for_a_missing_key_can_be_typed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHATSITE_API_KEY")
    assert main(["ask", "hi", "--url", "http://b"]) == Exit.KEY
    hint = capsys.readouterr().err.partition("chatsite login")[2].split()
    assert parse(["login", *hint]).url == "http://b"
