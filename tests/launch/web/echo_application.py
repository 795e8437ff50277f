"""The application of the web server's tests: it answers with what it got.

``/told``: the request, as JSON. ``/large/N``: N bytes in pieces. ``/page/N``: N bytes at
once. ``/wait/FILE``: an answer once the file is there. ``/fail``: none.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PIECE = b"0123456789abcdef" * 512
LOOK_SECONDS = 0.02
TOLD = ("REMOTE_ADDR", "REQUEST_METHOD", "CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING")


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    _, kind, *rest = environ["PATH_INFO"].split("/", 2)
    argument = "".join(rest)
    headers = [("Content-Type", "application/octet-stream")]
    if kind == "fail":
        raise RuntimeError("secret words")
    if kind == "large":
        start_response("200 OK", headers)
        return pieces(int(argument))
    body = b"x" * int(argument) if kind == "page" else told(environ)
    if kind == "wait":
        while not Path("/" + argument).exists():
            time.sleep(LOOK_SECONDS)
    start_response("200 OK", [*headers, ("Content-Length", str(len(body)))])
    return [body]


def told(environ: dict[str, Any]) -> bytes:
    body = environ["wsgi.input"].read()
    said = {name: environ.get(name) for name in TOLD}
    said |= {"body": body.decode("latin-1"), "pid": os.getpid()}
    said["query"] = environ["QUERY_STRING"]
    return json.dumps(said).encode()


def pieces(count: int) -> Iterator[bytes]:
    for _ in range(count // len(PIECE)):
        yield PIECE
