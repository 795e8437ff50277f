"""The JSON files of what was sent: the file itself, or some of an archive.

Nothing is unpacked to disk, and no name in an archive is used as a path.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from django.conf import settings

from chat.services.imports.json_bytes import JsonBytes, chunks_of, encoding_of
from chat.services.imports.source_messages import ImportRefused

#: What programs call the files with conversations.
NAMES = re.compile(r"conversations?(?:[-_ ]?\d+)?\.jsonl?")
ANY_JSON = re.compile(r"(?!\._).+\.jsonl?")
#: Where an archive ends: a signature, six fields, a comment of up to 64 KiB.
END, END_BYTES, COMMENT_BYTES = b"PK\5\6", 22, 65_535
#: About what the table of an archive needs for a file, its name included.
ENTRY_BYTES = 400
#: A ratio is looked at only behind so many bytes: small files of spaces do no harm.
RATIO_FROM_BYTES = 1_048_576
#: Marks and spaces that JSON may have before it, in whichever encoding.
BEFORE_JSON = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
HEAD_BYTES = 4096
WRONG_ARCHIVE: tuple[type[Exception], ...] = (
    *(BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
    *(OSError, ValueError, struct.error),
)


def json_files(open_file: Callable[[], IO[bytes]]) -> Iterator[tuple[str, JsonBytes]]:
    """Yield each file with JSON, by its name. Raises ``ImportRefused``."""
    file = open_file()
    start = file.read(HEAD_BYTES)
    file.seek(0)
    if not start.startswith(b"PK"):
        _check_start(start)
        encoding = encoding_of(chunks_of(file))
        file.seek(0)
        yield "", JsonBytes(chunks_of(file), encoding)
        return
    _check_end(file)
    try:
        with ZipFile(file) as archive:
            budget = _Budget()
            for entry in _entries(archive):
                with archive.open(entry) as packed:
                    encoding = encoding_of(budget.count(packed, entry))
                budget.taken = 0
                with archive.open(entry) as packed:
                    yield (
                        entry.filename,
                        JsonBytes(budget.count(packed, entry), encoding),
                    )
    except WRONG_ARCHIVE as error:
        raise ImportRefused("broken_archive") from error


def _check_start(start: bytes) -> None:
    """Refuse what is whole, but no export, such as Markdown or HTML."""
    first = start.lstrip(BEFORE_JSON)[:1]
    if first and first not in b"{[":
        raise ImportRefused("not_json")


def _check_end(file: IO[bytes]) -> None:
    """Refuse an archive whose table of files would need much memory."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - END_BYTES - COMMENT_BYTES))
    tail = file.read()
    place = tail.rfind(END)
    if place < 0 or len(tail) < place + END_BYTES:
        raise ImportRefused("broken_archive")
    (table_bytes,) = struct.unpack("<L", tail[place + 12 : place + 16])
    if table_bytes > settings.IMPORT_ARCHIVE_FILES_MAX * ENTRY_BYTES:
        raise ImportRefused("too_many_files")
    file.seek(0)


def _entries(archive: ZipFile) -> list[ZipInfo]:
    """The files with conversations; where none has their name, all with JSON."""
    entries = [
        one
        for one in archive.infolist()
        if not one.is_dir() and not one.filename.startswith("__MACOSX/")
    ]
    if len(entries) > settings.IMPORT_ARCHIVE_FILES_MAX:
        raise ImportRefused("too_many_files")
    for names in (NAMES, ANY_JSON):
        found = [one for one in entries if names.fullmatch(_base(one).lower())]
        if any(one.flag_bits & 1 for one in found):
            raise ImportRefused("encrypted_archive")
        if found:
            return sorted(found, key=lambda one: one.filename)
    raise ImportRefused("no_conversations")


def _base(entry: ZipInfo) -> str:
    return entry.filename.rpartition("/")[2]


class _Budget:
    """How much may be unpacked, all files of an archive together."""

    def __init__(self) -> None:
        self.taken = 0
        self._all = 0

    def count(self, packed: IO[bytes], entry: ZipInfo) -> Iterator[bytes]:
        """The chunks of a file, counted. Raises ``ImportRefused``."""
        taken = 0
        for chunk in chunks_of(packed):
            taken += len(chunk)
            self._all += len(chunk)
            # Each file is read twice: the first time to find its encoding.
            if self._all > 2 * settings.IMPORT_UNPACKED_MAX_BYTES:
                raise ImportRefused("too_large_unpacked")
            most = max(
                RATIO_FROM_BYTES, entry.compress_size * settings.IMPORT_RATIO_MAX
            )
            if taken > most:
                raise ImportRefused("too_large_unpacked")
            yield chunk
