"""Files before a message: what the page and the server make of the same ones."""

from __future__ import annotations

import pytest

from chat.attached_files import split_files
from chatsite.cli.attachments import clean_name, decode, fenced


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.py", "print(1)\n"),
        ("notes", "no end"),
        ("deep.md", "````\n```\n````\n"),
        ("odd.C++", "x\n\n\n"),
    ],
)
def test_the_server_finds_the_file_again(name: str, content: str) -> None:
    (file,), typed = split_files(f"{fenced(name, content)}\n\nWhat is it?")
    assert (file.name, file.content.rstrip("\n")) == (name, content.rstrip("\n"))
    assert typed == "What is it?"


def test_names_cannot_end_the_line_nor_reorder_letters() -> None:
    assert clean_name('a"`\n\u202eb.py') == "a____b.py"
    assert clean_name("  ") == "text"
    long = clean_name("x" * 200 + ".txt")
    assert (len(long), long[-4:]) == (80, ".txt")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("ü\r\n".encode(), "ü\n"),
        ("ü".encode("utf-16"), "ü"),
        ("ü".encode("latin-1"), "ü"),
        (b"\0\1", None),
    ],
)
def test_bytes_are_read_as_the_page_reads_them(raw: bytes, text: str | None) -> None:
    assert decode(raw) == text
