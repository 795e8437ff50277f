"""The messages of an entry as bytes: packed JSON lines, read one by one."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

from chat.services.imports.message_tree import MessageTree, TreeMessage
from chat.services.imports.stored_reply import foreign_reply
from chatsite import wire

UNPACKED_BYTES = 65_536


def packed(tree: MessageTree, model: str) -> tuple[bytes, str]:
    """The messages of a tree, and a digest of what they say.

    ``model`` is whose replies they are where the file does not say.
    """
    packer, digest, pieces = zlib.compressobj(6), sha256(), []
    for one in tree.messages:
        parent = None if one.parent is None else one.parent.number
        said = json.dumps([parent, one.role, one.text]).encode()
        digest.update(said + b"\n")
        row = [parent, one.role, one.text, one.created_at, _reply(one, model)]
        line = json.dumps(row, default=_as_text).encode() + b"\n"
        pieces.append(packer.compress(line))
    pieces.append(packer.flush())
    return b"".join(pieces), digest.hexdigest()


def unpacked(content: bytes) -> Iterator[list[Any]]:
    """Rows of parent, role, text, time and fields of the reply."""
    for line in _lines(_chunks(content)):
        row = json.loads(line)
        row[3] = datetime.fromisoformat(row[3])
        for name, value in (row[4] or {}).items():
            if name.endswith("_at") and value:
                row[4][name] = datetime.fromisoformat(value)
        yield row


def _reply(one: TreeMessage, model: str) -> dict[str, Any] | None:
    if one.role == wire.Role.USER:
        return None
    if one.source is not None and one.source.reply is not None:
        return dict(one.source.reply)
    said = one.source.model if one.source else ""
    return foreign_reply(said or model, one.created_at)


def _chunks(content: bytes) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    rest = content
    while rest:
        yield unpacker.decompress(rest, UNPACKED_BYTES)
        rest = unpacker.unconsumed_tail
    yield unpacker.flush()


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    parts: list[bytes] = []
    for chunk in chunks:
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            yield b"".join([*parts, line])
            parts = []
        parts.append(rest)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
