"""Security headers of all answers, and templates that comply with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as settings_of_django
from django.test import Client
from pytest_django import Settings

from chat.models import User
from chatsite.mailbox import Mailbox
from chatsite.security_headers import HEADERS
from tests.http_observatory import directives
from tests.processes import ROOT
from tests.url_paths import every_path

pytestmark = pytest.mark.django_db
#: Allowed sources: this site, and pictures within the stylesheet.
OURS = {"'self'", "'none'", "data:", "'script'", "default"}
PATHS = [*every_path(), "/static/chat.css", "/static/missing.css", "/no/such/page"]


def assert_closed(answer: object) -> None:
    headers = answer.headers  # type: ignore[attr-defined]
    missing = HEADERS.keys() - {*headers.keys()}
    assert not missing
    policy = directives(headers["Content-Security-Policy"])
    assert set().union(*policy.values()) <= OURS
    assert policy["default-src"] == policy["object-src"] == {"'none'"}
    assert policy["script-src"] == policy["style-src"] == {"'self'"}


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_every_header(
    path: str, box: Mailbox, owner: User, client_of: Callable[[User], Client]
) -> None:
    for visitor in (Client(), client_of(owner)):
        for answer in (visitor.get(path), visitor.post(path), visitor.put(path)):
            assert_closed(answer)
            is_public = "static" in path and answer.status_code == 200
            assert is_public or "no-cache" in answer.headers["Cache-Control"]
            for close in answer._resource_closers:  # and not the database
                close()


def test_only_the_reply_frame_can_be_framed_by_this_site(
    box: Mailbox, owner: User, client_of: Callable[[User], Client], sent
) -> None:
    reply = sent(owner)
    tab = client_of(owner)
    framed = tab.get(f"/r/{reply.pk}/frame/")
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"
    policy = directives(framed.headers["Content-Security-Policy"])
    assert policy["frame-ancestors"] == {"'self'"}
    page = tab.get(f"/c/{reply.message.conversation_id}/")
    assert page.headers["X-Frame-Options"] == "DENY"
    policy = directives(page.headers["Content-Security-Policy"])
    assert policy["frame-ancestors"] == {"'none'"}


def test_an_unknown_host_is_refused_with_headers(
    settings: Settings,
) -> None:
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert_closed(answer)


def test_only_a_trusted_proxy_can_claim_https(
    settings: Settings,
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    said = {"X-Forwarded-Proto": "https"}
    assert Client().get("/no/such/page", headers=said).status_code == 400
    assert Client().get("/healthz").status_code == 200
    settings.TRUSTED_PROXIES = type(settings.TRUSTED_PROXIES)((), is_unix_trusted=True)
    proxied = Client(REMOTE_ADDR="")
    assert proxied.get("/no/such/page", headers=said).status_code == 404
    assert proxied.get("/no/such/page").status_code == 301


def test_log_out_clears_the_cache_of_the_browser(
    owner: User, client_of: Callable[[User], Client], box: Mailbox
) -> None:
    tab = client_of(owner)
    assert "Clear-Site-Data" not in tab.get("/").headers
    owner.is_staff = True
    owner.save()
    answer = tab.post("/admin/logout/")
    assert answer.headers["Clear-Site-Data"] == '"cache"'


def test_no_template_style_or_script_names_another_host() -> None:
    """Namespaces of SVG are names, not addresses."""
    address = re.compile(r"(?:https?:)?//[a-z0-9][a-z0-9.-]*\.[a-z]{2,}", re.IGNORECASE)
    for path in _served():
        for found in address.findall(path.read_text(encoding="utf-8")):
            assert "www.w3.org" in found, (path, found)


def test_no_template_or_picture_has_anything_inline() -> None:
    inline = re.compile(
        r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|<script>", re.IGNORECASE
    )
    for path in (path for path in _served() if path.suffix in (".html", ".svg")):
        assert not inline.search(path.read_text(encoding="utf-8")), path


def _served() -> list[Path]:
    kinds = ("*.html", "*.css", "*.js", "*.svg")
    folders = (ROOT / "templates", ROOT / "static", ROOT / "styles")
    found = [path for f in folders for kind in kinds for path in f.rglob(kind)]
    assert len(found) > 50
    return found


def test_an_answer_to_a_missing_session_deletes_no_cookie(
    box: Mailbox, owner: User, client_of: Callable[[User], Client]
) -> None:
    """It may arrive after the answer to a log-in that was sent later."""
    tab = client_of(owner)
    name = settings_of_django.SESSION_COOKIE_NAME
    tab.cookies[name] = "x" * 32
    for path in ("/", "/poll/", "/settings/", "/no/such/page"):
        assert name not in tab.get(path).cookies
    owner.is_staff = True
    owner.save()
    tab.force_login(owner)
    assert tab.post("/admin/logout/").cookies[name]["max-age"] == 0
