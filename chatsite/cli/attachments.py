"""Text files before a message, each in a fence with its name, as the page sends them.

The same as in ``static/chat/attachments.js``; the format is in
``chat/attached_files.py``.
"""

from __future__ import annotations

import codecs
import re
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from chatsite.cli.errors import CliError, Exit

NAME_CHARACTERS_MAX = 80
#: Controls that no text has, but those of a terminal and of a page break.
BINARY = re.compile("[\x00-\x08\x0e-\x19\x1c-\x1f]")
EXTENSION = re.compile(r"\.([a-z0-9+#-]{1,12})$", re.IGNORECASE)
UTF16 = {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}


def with_files(paths: Sequence[str], text: str) -> str:
    """Return the message: the files, then the text. Raises ``CliError``."""
    return "\n\n".join(filter(None, [*map(_fenced_file, paths), text]))


def fenced(name: str, content: str) -> str:
    """Return what stands for a file in a message."""
    longest = max(map(len, re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    extension = EXTENSION.search(name)
    kind = extension[1].lower() if extension else "text"
    end = "" if not content or content.endswith("\n") else "\n"
    return f'{fence}{kind} title="{name}"\n{content}{end}{fence}'


def clean_name(name: str) -> str:
    """Return a name without what could end the line or reorder its letters."""
    clean = "".join("_" if _is_odd(letter) else letter for letter in name).strip()
    if len(clean) <= NAME_CHARACTERS_MAX:
        return clean or "text"
    half = NAME_CHARACTERS_MAX // 2
    return f"{clean[:half]}…{clean[1 - half :]}"


def decode(raw: bytes) -> str | None:
    """Read UTF-8, UTF-16 with a byte order mark, or Latin-1; None if it is no text."""
    encodings = ("utf-16",) if raw[:2] in UTF16 else ("utf-8-sig", "windows-1252")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeError:
            continue
        return None if BINARY.search(text) else re.sub("\r\n?", "\n", text)
    return None


def _fenced_file(path: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        said = f"{path} cannot be read: {error.strerror}"
        raise CliError(said, Exit.USAGE) from None
    text = decode(raw)
    if text is None or not text.strip():
        why = "is empty" if text == "" or not raw.strip() else "is not a text"
        raise CliError(f"{path} {why}, so it cannot be attached.", Exit.USAGE)
    return fenced(clean_name("stdin" if path == "-" else Path(path).name), text)


def _is_odd(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return letter in '"`' or kind[0] == "C" or kind in ("Zl", "Zp")
