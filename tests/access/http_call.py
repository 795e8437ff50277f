"""Asking a path, and reading every byte that came back."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.shortcuts import resolve_url
from django.test import Client, TestCase

from tests.access.access_rules import Entry
from tests.access.owner_data import Secrets


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and what the request had said itself, which may be repeated."""

    method: str
    path: str
    status: int
    location: str
    headers: dict[str, str]
    text: str
    asked: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status}"

    def tells(self, secrets: Secrets, *, all_of: bool = False) -> list[str]:
        """Which secrets stand in it, without those that the request carried."""
        return [
            what
            for what, token in secrets.found.items()
            if token in self.text and (all_of or token not in self.asked)
        ]

    @property
    def is_refused(self) -> bool:
        """Nothing here for this browser, or: log in first."""
        if self.status in (401, 404):
            return True
        if self.status == 403:
            return self.path.startswith("/api/")
        log_in = (resolve_url(settings.LOGIN_URL), "/admin/login/")
        return self.status in (302, 303) and self.location in log_in

    @property
    def is_of_methods(self) -> bool:
        """This method is not taken; a view may also be asked which are."""
        is_told = self.method == "OPTIONS" and "Allow" in self.headers
        return self.status == 405 or (self.status == 200 and is_told)


def ask(
    client: Client,
    method: str,
    path: str,
    entry: Entry,
    query: dict[str, Any],
    form: dict[str, Any],
    **more: Any,
) -> Answer:
    """The answer, once what it does on commit was done."""
    if query:
        path = f"{path}?{urlencode(query, doseq=True)}"
    content, kind = "", "application/x-www-form-urlencoded"
    if method in ("POST", "PUT", "PATCH"):
        content = urlencode(form, doseq=True)
        if entry.is_json:
            content, kind = json.dumps(form), "application/json"
    with TestCase.captureOnCommitCallbacks(execute=True):
        response: Any = client.generic(method, path, content, kind, **more)
    headers = dict(response.items())
    return Answer(
        method=method,
        path=path,
        status=response.status_code,
        location=headers.get("Location", "").partition("?")[0],
        headers=headers,
        text=_every_byte(response),
        asked=f"{path} {form}",
    )


def _every_byte(response: Any) -> str:
    """Body, headers and cookies."""
    streaming = response.streaming
    body = b"".join(response.streaming_content) if streaming else response.content
    said = [f"{name}: {value}" for name, value in response.items()]
    said.append(response.cookies.output())
    return "\n".join([*said, *(part.decode(errors="replace") for part in _parts(body))])


def _parts(body: bytes) -> list[bytes]:
    """What is packed is looked at unpacked."""
    if not body.startswith(b"PK"):
        return [body]
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return [archive.read(name) for name in archive.namelist()]
