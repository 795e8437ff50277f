"""Static files under URLs that name their version, which browsers keep for good.

A URL is ``/static/<version>/chat/page.js``, where the version is a digest of all static
files. A folder carries it, not the name of each file, so a module that imports
``./drafts.js`` gets the one of its own version. No file is rewritten: there is no build
step and no manifest.

While servers of two versions run side by side, or one restarts, a page may ask for a
version that this server does not have. It gets the file that is here, and no cache
keeps it under that URL. The same holds for a file that was replaced while the server
ran, as by ``git pull``.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import re_accepts_gzip
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from whitenoise.middleware import WhiteNoiseMiddleware

VERSION_DIGITS = 12
#: Kept in the memory of a process; pages load about ten, the admin thirty.
FILES_COMPRESSED_MAX = 100
_VERSIONED = re.compile(rf"[0-9a-f]{{{VERSION_DIGITS}}}/")


class VersionedStorage(StaticFilesStorage):
    """The storage that ``{% static %}`` asks for URLs.

    With ``DEBUG`` files change, so the URLs have no version.
    """

    def url(self, name: str | None) -> str:
        """Return the URL of a file, with the version of all files."""
        return super().url(name if settings.DEBUG else f"{version()}/{name or ''}")


class VersionedStaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # it has no types
    """WhiteNoise that serves each file under its plain and its versioned URL."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._at_start: dict[str, tuple[str, tuple[int, int]]] = {}
        super().__init__(*args, **options)

    def add_file_to_dictionary(self, url: str, path: str, stat_cache: Any) -> None:
        """Register a file under both of its URLs, and what it is at the start."""
        name = url.removeprefix(self.static_prefix)
        at_start = (path, _size_and_time(path))
        for one in (url, self._versioned(name)):
            super().add_file_to_dictionary(one, path, stat_cache)
            self._at_start[one] = at_start

    def immutable_file_test(self, path: str, url: str) -> bool:  # noqa: ARG002
        """Whether browsers may keep the file for good, as under a versioned URL."""
        return url.startswith(self._versioned(""))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve a static file, also for the URL of another version."""
        path = request.path_info
        if file := self._file_of_other_version(path) or self._replaced_file(path):
            response: HttpResponseBase = super().serve(file, request)
            response.headers["Cache-Control"] = "no-store"
            return response
        answer: HttpResponseBase = super().__call__(request)
        return answer

    def serve(self, file: Any, request: HttpRequest) -> HttpResponseBase:
        """Answer with a file that is as it was at the start.

        It is compressed once, and not for each browser that takes it so.
        """
        _use_strong_tag(file, request)
        content = self._compressed_for(request)
        head = file.get_response("HEAD", request.META)
        if not content or head.status != HTTPStatus.OK:
            answer: HttpResponseBase = super().serve(file, request)
            return answer
        response = HttpResponse(content, headers=dict(head.headers))
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(content))
        if tag := response.headers.get("ETag"):  # a file without a time has none
            # As of compressed pages: the tag is that of the file, not of these bytes.
            response.headers["ETag"] = f"W/{tag}"
        patch_vary_headers(response, ("Accept-Encoding",))
        return response

    def _compressed_for(self, request: HttpRequest) -> bytes:
        """The file of a whole answer as gzip; empty where it is not sent so."""
        accepted = request.META.get("HTTP_ACCEPT_ENCODING", "")
        is_whole = request.method == "GET" and "HTTP_RANGE" not in request.META
        at_start = self._at_start.get(request.path_info)
        if not is_whole or not at_start or not re_accepts_gzip.search(accepted):
            return b""
        return _compressed(*at_start)

    def _versioned(self, name: str) -> str:
        return f"{self.static_prefix}{version()}/{name}"

    def _file_of_other_version(self, path: str) -> Any:
        name = path.removeprefix(self.static_prefix)
        if name == path or path in self.files or not (found := _VERSIONED.match(name)):
            return None
        return self.files.get(self.static_prefix + name[found.end() :])

    def _replaced_file(self, url: str) -> Any:
        if url not in self._at_start:
            return None
        path, at_start = self._at_start[url]
        try:
            is_same = _size_and_time(path) == at_start
        except OSError:
            return None
        return None if is_same else self.get_static_file(path, url)


def _use_strong_tag(file: Any, request: HttpRequest) -> None:
    """Name the tag of the file in a request that names it among others, or as weak.

    WhiteNoise compares the whole header, and browsers have the tag of compressed files.
    """
    known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    if file.etag and not {"*", file.etag, f"W/{file.etag}"}.isdisjoint(known):
        request.META["HTTP_IF_NONE_MATCH"] = file.etag


@lru_cache(FILES_COMPRESSED_MAX)
def _compressed(path: str, _size_and_time: tuple[int, int]) -> bytes:
    """A file as gzip; nothing if that is not shorter. The same file is read once."""
    content = Path(path).read_bytes()
    compressed = gzip.compress(content, mtime=0)
    return compressed if len(compressed) < len(content) else b""


def _size_and_time(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns


@cache
def version() -> str:
    """Return a digest of the names and contents of all static files served here."""
    digest = sha256()
    for name, path in sorted(_served_files()):
        content = sha256(path.read_bytes()).hexdigest()
        digest.update(os.fsencode(f"{name}\0{content}\0"))
    return digest.hexdigest()[:VERSION_DIGITS]


def _served_files() -> Iterator[tuple[str, Path]]:
    if settings.STATIC_ROOT:
        root = Path(settings.STATIC_ROOT)
        for path in root.rglob("*"):
            if path.is_file():
                yield path.relative_to(root).as_posix(), path
        return
    for finder in finders.get_finders():
        for name, storage in finder.list(None):
            yield name, Path(storage.path(name))
