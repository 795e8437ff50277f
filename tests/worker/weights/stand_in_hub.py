"""A stand-in for the model hub: the part of its HTTP protocol that a download uses."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

REPOSITORY = "someone/tiny"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"
REVISION = "0123456789abcdef0123456789abcdef01234567"


class StandInHub:
    """Serves the files of one folder as one repository at one revision.

    ``cut_once``: names of files whose first transfer ends half-way.
    ``cut_always``: names of files whose every transfer does.
    ``swapped``: content to send in place of a file that the list describes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cut_once: set[str] = set()
        self.cut_always: set[str] = set()
        self.swapped: dict[str, bytes] = {}
        self.requests: Counter[str] = Counter()
        #: Range headers received, by file name.
        self.ranges: dict[str, list[str]] = {}
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> StandInHub:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def files(self) -> dict[str, bytes]:
        paths = sorted(p for p in self.folder.rglob("*") if p.is_file())
        return {str(p.relative_to(self.folder)): p.read_bytes() for p in paths}


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._route(with_body=False)

    def do_GET(self) -> None:
        self._route(with_body=True)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""

    def _route(self, *, with_body: bool) -> None:
        path = urlsplit(self.path).path
        self.hub.requests[f"{self.command} {path}"] += 1
        api = f"/api/models/{REPOSITORY}/"
        resolve = f"/{REPOSITORY}/resolve/{REVISION}/"
        if path in (f"{api}tree/{REVISION}", f"{api}revision/{REVISION}"):
            self._listing(is_tree="/tree/" in path)
        elif path.startswith(resolve):
            self._file(path.removeprefix(resolve), with_body=with_body)
        elif path.startswith((api, f"/{REPOSITORY}/")):
            self._error(404, "RevisionNotFound")
        elif path == "/":
            self._error(404, "")
        else:
            self._error(404, "RepoNotFound")

    def _listing(self, *, is_tree: bool) -> None:
        files = self.hub.files()
        tree = [_listed(name, body) for name, body in files.items()]
        siblings = [{"rfilename": name} for name in files]
        revision = {"id": REPOSITORY, "sha": REVISION, "siblings": siblings}
        body = json.dumps(tree if is_tree else revision).encode()
        self._answer(200, body, {"Content-Type": "application/json"})

    def _file(self, name: str, *, with_body: bool) -> None:
        body = self.hub.files().get(name)
        if body is None:
            self._error(404, "EntryNotFound")
            return
        listed = _listed(name, body)
        headers = {
            "ETag": f'"{listed.get("lfs", listed)["oid"]}"',
            "X-Repo-Commit": REVISION,
            "Accept-Ranges": "bytes",
        }
        if not with_body:
            self._answer(200, b"", headers, length=len(body))
            return
        body = self.hub.swapped.get(name, body)
        start = self._range_start(name)
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        if name in self.hub.cut_always or name in self.hub.cut_once:
            self.hub.cut_once.discard(name)
            self._cut(body[start:], headers)
        else:
            self._answer(206 if start else 200, body[start:], headers)

    def _range_start(self, name: str) -> int:
        wanted = self.headers.get("Range")
        if not wanted:
            return 0
        self.hub.ranges.setdefault(name, []).append(wanted)
        return int(wanted.removeprefix("bytes=").partition("-")[0])

    def _cut(self, body: bytes, headers: dict[str, str]) -> None:
        half = body[: len(body) // 2]
        self._answer(200, half, headers, length=len(body))
        self.close_connection = True

    def _error(self, status: int, code: str) -> None:
        self._answer(status, b"", {"X-Error-Code": code} if code else {})

    def _answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str],
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


def _listed(name: str, body: bytes) -> dict[str, Any]:
    """A file as the hub lists it: a large one as git's pointer to it."""
    listed = {"type": "file", "path": name, "size": len(body), "oid": _git(body)}
    if name.endswith((".safetensors", ".bin")):
        oid = hashlib.sha256(body).hexdigest()
        pointer = POINTER.format(oid=oid, size=len(body)).encode()
        lfs = {"oid": oid, "size": len(body), "pointerSize": len(pointer)}
        listed |= {"oid": _git(pointer), "lfs": lfs}
    return listed


def _git(body: bytes) -> str:
    head = f"blob {len(body)}\0".encode()
    return hashlib.sha1(head + body, usedforsecurity=False).hexdigest()
