"""Asking a path, and reading every byte that came back."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.shortcuts import resolve_url
from django.test import Client, TestCase

from tests.access.table import Entry


def ask(
    client: Client,
    method: str,
    path: str,
    entry: Entry,
    query: dict[str, Any],
    form: dict[str, Any],
    **more: Any,
) -> Any:
    """The answer, once what it does on commit was done."""
    if query:
        path = f"{path}?{urlencode(query, doseq=True)}"
    is_post = method == "POST"
    if is_post and entry.is_json:
        content, kind = json.dumps(form), "application/json"
    else:
        content = urlencode(form, doseq=True) if is_post else ""
        kind = "application/x-www-form-urlencoded"
    with TestCase.captureOnCommitCallbacks(execute=True):
        return client.generic(method, path, content, kind, **more)


def told(response: Any) -> str:
    """Body, headers and cookies."""
    body = (
        b"".join(response.streaming_content) if response.streaming else response.content
    )
    headers = "\n".join(f"{name}: {value}" for name, value in response.items())
    text = f"{headers}\n{response.cookies.output()}\n"
    return text + "\n".join(part.decode(errors="replace") for part in _parts(body))


def carried(method: str, path: str, query: dict[str, Any], form: dict[str, Any]) -> str:
    """What a request says itself, so that its answer may repeat it."""
    return f"{method} {path} {query} {form}"


def _parts(body: bytes) -> list[bytes]:
    if not body.startswith(b"PK"):
        return [body]
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return [archive.read(name) for name in archive.namelist()]


def is_refused(response: Any, *, is_api: bool = False) -> bool:
    """Nothing here for this browser, or: log in first."""
    if response.status_code == 404:
        return True
    if is_api and response.status_code in (401, 403):
        return True
    if response.status_code not in (302, 303):
        return False
    target = response.headers["Location"].partition("?")[0]
    return target in (resolve_url(settings.LOGIN_URL), "/admin/login/")
