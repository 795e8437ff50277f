"""The site behind a proxy that speaks HTTPS, and behind one that has it under a path."""

from __future__ import annotations

import re
import secrets
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
)

from tests.browser.account_actions import PASSWORD, fill_sign_up
from tests.browser.conftest import Site, Worker, counts
from tests.browser.reverse_proxy import ReverseProxy
from tests.browser.test_history import entry, open_menu, press_enter
from tests.browser.user_actions import begin, box_of, say
from tests.certificate import certificate
from tests.processes import Program, free_port

Guest = Callable[..., BrowserContext]
TOLD = {"X-Forwarded-Proto": "https"}


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate(tmp_path_factory.mktemp("tls")))
    return context


@contextmanager
def shipped(site: Site, **settings: str) -> Iterator[Site]:
    """The same site with other settings, served by gunicorn as it ships: by itself that
    would believe the scheme that a proxy on this machine says."""
    port = free_port()
    environment = site.environment | settings | {"PORT": str(port)}
    with Program(
        *("-m", "gunicorn", "--config", "python:launch.gunicorn_config"),
        *("chatsite.wsgi:application",),
        **environment,
    ) as web:
        served = Site(f"http://127.0.0.1:{port}", environment, web)
        served.wait()
        yield served


@pytest.fixture(scope="module")
def bare(site: Site) -> Iterator[Site]:
    """Without a setting that a site behind HTTPS needs."""
    with shipped(site) as served:
        yield served


@pytest.mark.parametrize("passes_host", [True, False])
def test_behind_https_the_setting_is_named_and_with_it_all_works(
    bare: Site, guest: Guest, worker: Worker, tls: ssl.SSLContext, passes_host: bool
) -> None:
    with ReverseProxy(bare.url, tls=tls, tells=TOLD, passes_host=passes_host) as front:
        named = (
            "HTTPS_ONLY=on" if passes_host else f"CSRF_TRUSTED_ORIGINS={front.origin}"
        )
        page = guest(base_url=front.origin, ignore_https_errors=True).new_page()
        page.goto("/")
        say(page, "What is a queue?")
        expect(page.locator("#refusal")).to_contain_text(named)
        expect(box_of(page)).to_have_value("What is a queue?")
        plain = guest(
            base_url=front.origin, ignore_https_errors=True, java_script_enabled=False
        ).new_page()
        plain.goto("/")
        box_of(plain).fill("Typed with care")
        plain.get_by_role("button", name="Send").click()
        expect(plain.locator("code").first).to_have_text(named)
        expect(plain.locator("textarea")).to_have_value("Typed with care")
        # A slash at the end of an origin means nothing.
        name, _, value = named.partition("=")
        value += "" if passes_host else "/"
        with shipped(bare, **{name: value}) as served:
            front.target = served.url
            page.goto("/")
            expect(box_of(page)).to_have_value("What is a queue?")
            page.keyboard.press("Enter")
            claim = worker.claim()
            worker.write(claim, "A ")
            expect(page.locator(".pending .text")).to_have_text("A")
            worker.finish(claim, "line.")
            expect(page.locator(".reply.done .text")).to_have_text("A line.")
            assert urlsplit(page.url).scheme == "https"
            plain.get_by_role("button", name="Send").click()
            expect(plain.locator(".message .text")).to_have_text("Typed with care")


@pytest.mark.parametrize(("trusted", "tells"), [("192.0.2.1", TOLD), ("127.0.0.1", {})])
def test_a_proxy_that_is_not_heard_is_named_instead_of_a_redirect_for_ever(
    site: Site, guest: Guest, tls: ssl.SSLContext, trusted: str, tells: dict[str, str]
) -> None:
    with (
        shipped(site, HTTPS_ONLY="on", TRUSTED_PROXIES=trusted) as served,
        ReverseProxy(served.url, tls=tls, tells=tells) as front,
    ):
        page = guest(base_url=front.origin, ignore_https_errors=True).new_page()
        page.goto("/")
        expect(page.locator("main")).to_contain_text("TRUSTED_PROXIES")


@pytest.fixture(scope="module")
def below(site: Site) -> Iterator[Site]:
    with shipped(site, URL_PREFIX="/chat") as served:
        yield served


def test_a_site_under_a_path_works_whole(
    below: Site, guest: Guest, worker: Worker
) -> None:
    with ReverseProxy(below.url, path="/chat/") as front:
        context = guest(base_url=front.origin)
        asked, complaints = watched(context)
        page = context.new_page()
        page.goto("/chat/")
        chat(page, worker)
        keep_order(page)
        find_and_set(page)
        log_in_again(page)
        assert not complaints
        assert {urlsplit(url).path[:6] for url in asked} == {"/chat/"}
        assert not front.strayed


def test_the_proxy_may_take_the_path_off(
    below: Site, guest: Guest, worker: Worker
) -> None:
    with ReverseProxy(below.url, path="/chat/", takes_off=True) as front:
        context = guest(base_url=front.origin)
        asked, complaints = watched(context)
        page = context.new_page()
        page.goto("/chat/")
        chat(page, worker)
        without_script(guest(base_url=front.origin, java_script_enabled=False), worker)
        assert not complaints
        assert {urlsplit(url).path[:6] for url in asked} == {"/chat/"}
        assert not front.strayed


def watched(context: BrowserContext) -> tuple[list[str], list[str]]:
    """Addresses that are asked for, and what the console says, from now on."""
    asked: list[str] = []
    complaints: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    def hear(said: ConsoleMessage) -> None:
        if counts(said):
            complaints.append(said.text)

    def look(response: Response) -> None:
        if "/static/" in response.url and not response.ok:
            complaints.append(response.url)

    context.on("request", note)
    context.on("console", hear)
    context.on("response", look)
    return asked, complaints


def chat(page: Page, worker: Worker) -> None:
    """A reply grows, another is stopped."""
    begin(page, "What is a queue?")
    claim = worker.claim()
    worker.write(claim, "A ")
    expect(page.locator(".pending .text")).to_have_text("A")
    worker.finish(claim, "line.")
    expect(page.locator(".reply.done .text")).to_have_text("A line.")
    say(page, "And a stack?")
    claim = worker.claim()
    worker.write(claim, "A pile")
    expect(page.locator(".pending .text")).to_have_text("A pile")
    page.locator("#stop").click()
    expect(page.locator(".pending")).to_have_count(0)


def keep_order(page: Page) -> None:
    """Rename, delete, undo."""
    open_menu(page, "What is a queue?")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Title").fill("About queues")
    press_enter(page)
    expect(entry(page, "About queues")).to_be_focused()
    open_menu(page, "About queues")
    page.get_by_role("menuitem", name="Delete").click()
    page.wait_for_url(re.compile(r"/chat/(\?.*)?$"))
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#heading")).to_have_text("About queues")


def find_and_set(page: Page) -> None:
    """A hit leads to its place; a setting is kept."""
    page.locator("#search-link").click()
    page.get_by_role("combobox").fill("line")
    page.get_by_role("option", name="A line.").click()
    page.wait_for_url(re.compile(r"/chat/c/.+\?at=.+#reply-"))
    page.goto("/chat/settings/")
    page.get_by_label("Instructions").fill("Be brief.")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"/chat/settings/\?saved"))


def log_in_again(page: Page) -> None:
    name = f"bee-{secrets.token_hex(4)}"
    page.goto("/chat/")
    page.get_by_role("link", name="Sign up").click()
    fill_sign_up(page, name)
    page.get_by_role("link", name=name).click()
    page.get_by_role("button", name="Log out", exact=True).click()
    page.wait_for_url(re.compile(r"/chat/(\?.*)?$"))
    page.goto("/chat/account/log-in/?next=/chat/settings/")
    page.get_by_label("Name or email").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(re.compile(r"/chat/settings/$"))
    expect(page.get_by_label("Instructions")).to_have_value("Be brief.")


def without_script(context: BrowserContext, worker: Worker) -> None:
    page = context.new_page()
    page.goto("/chat/")
    box_of(page).fill("What is a heap?")
    page.get_by_role("button", name="Send").click()
    page.wait_for_url(re.compile(r"/chat/c/"))
    worker.finish(worker.claim(), "A tree.")
    page.reload()
    expect(page.locator(".reply.done .text")).to_have_text("A tree.")
    page.goto("/chat/no/such/page/")
    page.get_by_role("link", name="Back to your conversations").click()
    page.wait_for_url(re.compile(r"/chat/$"))
