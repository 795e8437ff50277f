"""The site below a prefix of the URL, which a proxy removes or passes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.test.utils import override_script_prefix
from django.urls import get_resolver, reverse
from pytest_django import Settings

from chat.accounts.login import safe_path
from chatsite.mailbox import Mailbox
from chatsite.url_prefix import OWN_WORDS
from tests.chat.pages import text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


@pytest.fixture
def under_chat(settings: Settings) -> Iterator[Settings]:
    settings.URL_PREFIX = settings.FORCE_SCRIPT_NAME = "/chat"
    with override_script_prefix("/chat/"):
        yield settings


@pytest.mark.parametrize("start", ["", "/chat", "/", "//"])
def test_a_proxy_may_remove_a_prefix_or_pass_it_on(
    under_chat: Settings, box: Mailbox, start: str
) -> None:
    visitor, site = Client(), f"http://testserver{start}"
    page = visitor.get(f"{site}/")
    assert page.status_code == 200
    assert '[action="/chat/send/"]' in dom(page)
    assert '[data-home="/chat/"]' in dom(page)
    style = visitor.get(f"{site}/static/chat.css")
    assert style.status_code == 200
    for close in style._resource_closers:  # and not the database
        close()
    assert visitor.get(f"{site}/healthz").status_code == 200
    gone = visitor.get(f"{site}/c/00000000-0000-0000-0000-000000000000/")
    assert '[href="/chat/"]' in dom(gone)
    assert "conversation" in text_of(gone)
    sent = visitor.post(f"{site}/send/", {"text": "Hello", "key": "k1"})
    assert sent.status_code == 303
    assert sent.headers["Location"].startswith("/chat/c/")


def test_a_prefix_without_its_slash_leads_to_the_first_page(
    under_chat: Settings,
) -> None:
    answer = Client().get("/chat?q=1")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/chat/?q=1")
    assert Client().get("/chatter/").status_code == 404


def test_under_a_prefix_https_health_gate_and_admin_follow(
    under_chat: Settings, box: Mailbox
) -> None:
    under_chat.SECURE_SSL_REDIRECT = True
    under_chat.SECURE_REDIRECT_EXEMPT = [r"^chat/healthz$"]
    assert Client().get("/healthz").status_code == 200
    assert Client().get("/chat/healthz").status_code == 200
    redirected = Client().get("/chat/?a=b")
    assert redirected.headers["Location"] == "https://testserver/chat/?a=b"
    under_chat.SECURE_SSL_REDIRECT, under_chat.GUESTS = False, False
    assert Client().get("/chat/").headers["Location"] == (
        "/chat/account/log-in/?next=%2Fchat%2F"
    )
    assert Client().get("/chat/api/v1/search").status_code == 401
    policy = Client().get("/chat/admin/login/").headers["Content-Security-Policy"]
    assert "trusted-types" not in policy


@pytest.mark.parametrize(
    ("raw", "is_own"),
    [
        ("/chat/c/1/?x=/../", True),
        ("/chat/", True),
        ("/other/", False),
        ("/chatter/", False),
        ("/chat/../other/", False),
        ("/chat/%2e%2e/other/", False),
        ("//evil.example/chat/", False),
    ],
)
def test_redirects_lead_only_to_paths_below_the_prefix(
    under_chat: Settings, raw: str, is_own: bool
) -> None:
    assert safe_path(raw) == (raw if is_own else reverse("home"))


def test_the_page_names_a_prefix_that_only_the_server_knows(
    client_of: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    answer = Client(SCRIPT_NAME="/talk").get("/")
    assert answer.status_code == 400
    assert "URL_PREFIX=/talk" in dom(answer).texts("code")
    assert "URL_PREFIX" in caplog.text
    assert logging.WARNING in {record.levelno for record in caplog.records}


def test_a_prefix_cannot_equal_a_path_of_the_site() -> None:
    assert {"static", *first_words(get_resolver().url_patterns)} == OWN_WORDS


def first_words(patterns: list[Any]) -> Iterator[str]:
    for pattern in patterns:
        if route := str(pattern.pattern):
            yield route.partition("/")[0]
        else:
            yield from first_words(getattr(pattern, "url_patterns", []))
