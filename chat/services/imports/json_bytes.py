"""Bytes of a file as JSON in UTF-8 that a strict parser takes.

Programs write what no standard allows: other encodings, NaN, half surrogate pairs.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO

from django.conf import settings

from chat.services.imports.source_messages import ImportRefused

#: Larger than ijson needs: it looks at all of a text again with each chunk of it.
CHUNK_BYTES = 1_048_576
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: What may be in two pieces at the end of a chunk: a name, or escapes.
TAIL = re.compile(rb"(?:[-A-Za-z]{1,9}|\\[\\u0-9A-Fa-f]{0,11}|\\+)\Z")
STRING_OR_WRONG = re.compile(
    rb'"(?:[^"\\]++|\\.)*+"?|-?Infinity|NaN|\d{300,}+', re.DOTALL
)
#: So long that the parser would crash.
LONG_NUMBER = re.compile(rb"\d{300}")
REST_OF_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+"?', re.DOTALL)
HIGH, LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
SURROGATES = re.compile(rb"\\\\|(" + HIGH + LOW + rb")|(" + HIGH + rb"|" + LOW + rb")")
ESCAPES = re.compile(rb"\\.", re.DOTALL)


def encoding_of(chunks: Iterator[bytes]) -> str:
    """The encoding of a file, from its beginning or from all of it.

    Bytes that are no UTF-8 are taken for Windows' Latin letters.
    """
    first = next(chunks, b"")
    for mark, name in BOMS:
        if first.startswith(mark):
            return name
    if first[1:2] == b"\0":
        return "utf-16-le"
    if first[:1] == b"\0":
        return "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(first)
        for chunk in chunks:
            decoder.decode(chunk)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


class JsonBytes:
    """A file whose reads return mended JSON. Raises ``ImportRefused``."""

    def __init__(self, chunks: Iterator[bytes], encoding: str) -> None:
        self._chunks = _mended(_as_utf8(chunks, encoding))
        self._rest = b""
        #: How many bytes were read since a caller set it to 0.
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        """Some bytes, at least one before the end."""
        if size == 0:
            return b""
        while not self._rest:
            found = next(self._chunks, None)
            if found is None:
                return b""
            self._rest = found
        size = len(self._rest) if size < 0 else size
        taken, self._rest = self._rest[:size], self._rest[size:]
        self.taken += len(taken)
        return taken


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a file, some at a time."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _as_utf8(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    if encoding == "utf-8":
        first = next(chunks, b"")
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in chunks:
        yield decoder.decode(chunk).lstrip("\ufeff").encode("utf-8", "replace")
    yield decoder.decode(b"", True).encode("utf-8", "replace")


def _mended(chunks: Iterator[bytes]) -> Iterator[bytes]:
    held, is_in_string, length = b"", False, 0
    for chunk in chunks:
        data = held + chunk
        tail = TAIL.search(data, max(0, len(data) - 12))
        held = data[tail.start() :] if tail else b""
        data = data[: tail.start()] if tail else data
        mended, is_now_in_string, last = _mend(data, is_in_string)
        length = length + len(data) if last < 0 and is_in_string else len(data) - last
        is_in_string = is_now_in_string
        if is_in_string and length > settings.IMPORT_TEXT_MAX_BYTES:
            raise ImportRefused("text_too_long")
        yield mended
    yield _mend(held, is_in_string)[0]


def _mend(data: bytes, is_in_string: bool) -> tuple[bytes, bool, int]:
    """The data without what no parser takes, the state behind it, the last quote."""
    if b"\\u" in data and (b"\\ud" in data or b"\\uD" in data):
        data = SURROGATES.sub(_surrogate, data)
    if b"NaN" in data or b"Infinity" in data or LONG_NUMBER.search(data):
        start = 0
        if is_in_string and (match := REST_OF_STRING.match(data)):
            start = match.end()
        data = data[:start] + STRING_OR_WRONG.sub(_number, data[start:])
    bare = ESCAPES.sub(b"..", data) if b"\\" in data else data
    is_odd = bare.count(b'"') % 2 == 1
    return data, is_in_string != is_odd, bare.rfind(b'"')


def _surrogate(match: re.Match[bytes]) -> bytes:
    return match[0] if match[2] is None else rb"\ufffd"


def _number(match: re.Match[bytes]) -> bytes:
    return match[0] if match[0][:1] == b'"' else b"null"
