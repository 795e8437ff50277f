"""Request bodies with a bound, also those that are sent in chunks."""

from __future__ import annotations

from io import BytesIO
from typing import Any

PIECE_BYTES = 65_536


def bound_chunked(environ: dict[str, Any], limit: int) -> None:
    """Read a chunked body of at most ``limit`` bytes and tell Django its length.

    Django takes a request without a Content-Length for one without a body. A body
    beyond the limit is read no further; its length says that it is too large, and
    Django refuses it like any other (``DATA_UPLOAD_MAX_MEMORY_SIZE``).

    The server decodes the chunks and says so by ``wsgi.input_terminated``. Raises what
    the server raises on chunks that are broken.
    """
    is_chunked = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower() == "chunked"
    if not is_chunked or not environ.get("wsgi.input_terminated"):
        return
    body = _read(environ["wsgi.input"], limit + 1)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ["wsgi.input"] = BytesIO(body)
    # It is whole now, and this header says of no hop that follows how it is sent.
    del environ["HTTP_TRANSFER_ENCODING"]


def _read(stream: Any, most: int) -> bytes:
    """What ``stream`` holds, or its first ``most`` bytes."""
    pieces: list[bytes] = []
    missing = most
    while missing and (piece := stream.read(min(missing, PIECE_BYTES))):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
