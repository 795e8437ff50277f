"""What a model writes does nothing to its reader: rendered in a real browser.

``make soak`` renders the whole corpus, the ordinary run one output in ``PART`` of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    ViewportSize,
    expect,
)

from tests.browser.conftest import PATIENCE_MS, Site, Worker, first_worker
from tests.browser.harm_detector import HarmDetector
from tests.browser.sharing_actions import share
from tests.browser.stored_texts import StoredTexts, begin_shelf
from tests.browser.user_actions import answered, say
from tests.environment import IS_SOAK
from tests.hostile_replies import FROM_FAMILIES, OUTPUTS, SIZE, corpus
from tests.valkey import Valkey

#: Outputs on one page; as many hits come at once.
TOGETHER = 20
#: Has no divisor in common with the number of families, so that each has its share.
PART = 1 if IS_SOAK else 37
WIDE: ViewportSize = {"width": 1100, "height": 760}
PHONE: ViewportSize = {"width": 360, "height": 640}


@dataclass
class Reader:
    """A guest with a conversation, and whoever watches them."""

    page: Page
    watch: HarmDetector
    shelf: StoredTexts
    first: str
    pages: int = 0

    def put(self, outputs: Sequence[str]) -> tuple[str, UUID]:
        self.pages += 1
        word = f"needle{self.pages}"
        return word, self.shelf.put(word, outputs)

    def look_at(self, address: str) -> None:
        self.page.set_viewport_size(PHONE if self.pages % 2 else WIDE)
        self.page.goto(address)
        self.watch.look(self.page)

    def look_again_elsewhere(self) -> None:
        """At the same page, on the other device."""
        self.page.set_viewport_size(WIDE if self.pages % 2 else PHONE)
        self.watch.look(self.page)

    def read(self, outputs: Sequence[str]) -> None:
        """As replies and prompts, in the list, and among what a search finds."""
        word, conversation = self.put(outputs)
        self.look_at(f"/c/{conversation}/")
        assert self.page.locator(".reply .text").count() >= len(outputs) - 2
        self.look_at(f"/search/?q={word}")
        assert self.page.locator(".hit").count() >= len(outputs) - 1
        self.look_at_palette(word)
        if self.page.viewport_size == PHONE:
            self.page.get_by_role("button", name="Conversations").click()
        self.watch.look(self.page)
        assert self.page.locator(".entry .title").first.is_visible()

    def look_at_palette(self, word: str) -> None:
        self.page.keyboard.press("Control+k")
        self.page.get_by_role("combobox").fill(word)
        expect(self.page.locator(".palette-item .snippet mark").first).to_be_visible()
        self.watch.look(self.page)
        self.page.keyboard.press("Escape")


@pytest.fixture(scope="module")
def kept_reader(
    browser: Browser, site: Site, valkey_server: Valkey
) -> Iterator[Reader]:
    """The tests of this file share one, who keeps all that was ever put."""
    expect.set_options(timeout=PATIENCE_MS)
    with browser.new_context(base_url=site.url, viewport=WIDE) as context:
        context.set_default_timeout(PATIENCE_MS)
        watch = HarmDetector(context, site.url)
        page = context.new_page()
        shelf = begin_shelf(page, first_worker(site, valkey_server))
        watch.look(page)
        assert not watch.found
        yield Reader(page, watch, shelf, page.url)


@pytest.fixture
def reader(kept_reader: Reader, worker: Worker) -> Reader:
    """With the conversation open that was there first, and nothing found yet."""
    expect.set_options(timeout=PATIENCE_MS)
    page = kept_reader.page
    for other in page.context.pages:
        if other is not page:
            other.close()
    page.set_viewport_size(WIDE)
    page.goto(kept_reader.first)
    kept_reader.watch.found.clear()
    kept_reader.watch.looked_at = 0
    return kept_reader


def outputs() -> list[str]:
    return corpus(PART)


def pages_of(texts: Sequence[str]) -> list[Sequence[str]]:
    return [texts[at : at + TOGETHER] for at in range(0, len(texts), TOGETHER)]


@pytest.mark.timeout(3000 if IS_SOAK else 180)
def test_finished_replies_titles_and_hits_do_nothing(reader: Reader) -> None:
    for together in pages_of(outputs()):
        reader.read(together)
        assert not reader.watch.found
    assert reader.watch.looked_at > 4 * SIZE // PART


@pytest.mark.timeout(3000 if IS_SOAK else 180)
def test_shared_copies_do_nothing(
    reader: Reader, guest: Callable[..., BrowserContext]
) -> None:
    """With a script that runs, and where none does; texts and titles."""
    page, unscripted = reader.page, guest(java_script_enabled=False)
    watch = HarmDetector(unscripted, reader.watch.own_url)
    plain = unscripted.new_page()
    for together in pages_of(outputs()):
        _, conversation = reader.put(together)
        path = share(page, str(conversation))
        reader.look_at(path)
        assert page.locator(".reply").count() == len(together)
        plain.goto(path, wait_until="networkidle")
        assert plain.locator(".reply").count() == len(together)
        assert not reader.watch.found
        assert not watch.found


@pytest.mark.timeout(3000 if IS_SOAK else 180)
def test_growing_replies_do_nothing(reader: Reader, worker: Worker) -> None:
    page = reader.page
    page.goto("/")
    answered(page, worker, "a first question", "and its answer")
    for number, together in enumerate(pages_of(outputs())):
        say(page, f"question {number}")
        expect(page.locator(".pending")).to_have_count(1)  # requests pass through here
        claim = worker.claim()
        growing = page.locator(".pending .text")
        for place, output in enumerate(together):
            shown = output.replace("\0", "")
            for part in (shown[: len(shown) // 2], shown[len(shown) // 2 :] + "\n"):
                worker.write(claim, part)
            if place in (TOGETHER // 3, len(together) - 1):
                worker.write(claim, f"\nend{number}.{place}")
                expect(growing).to_contain_text(f"end{number}.{place}")
                reader.watch.look(page)
        worker.finish(claim)
        expect(page.locator(".pending")).to_have_count(0)
        reader.watch.look(page)
        assert not reader.watch.found
        if number % 10 == 9:
            page.goto("/")


@pytest.mark.timeout(3000 if IS_SOAK else 180)
@settings(
    max_examples=50 if IS_SOAK else 2,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(texts=st.lists(OUTPUTS | FROM_FAMILIES, min_size=TOGETHER, max_size=TOGETHER))
def test_what_nobody_thought_of_does_nothing(reader: Reader, texts: list[str]) -> None:
    reader.read([text or "x" for text in texts])
    assert not reader.watch.found, texts


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a" * 1_000_000,
            "W " * 500_000,
            "\u202e" * 1_000_000,
            "|a" * 6000 + "\n" + "|-" * 6000,
        ),
        *(
            "a\u0301\u0316" * 300_000,
            "[x](https://evil.example/) " * 1400,
            "\n" * 39_000,
        ),
        "\n".join("  " * step + "- x" for step in range(200)),
    ],
    ids=["line", "words", "override", "table", "accents", "links", "breaks", "lists"],
)
def test_the_largest_texts_stay_in_their_bubble(reader: Reader, text: str) -> None:
    _, conversation = reader.put([text, "the last one"])
    reader.look_at(f"/c/{conversation}/")
    reader.look_again_elsewhere()
    expect(reader.page.locator(".reply .text").last).to_have_text("the last one")
    assert not reader.watch.found


def test_accents_are_not_painted_over_what_stands_around(reader: Reader) -> None:
    pile = "\u0316" * 400 + "\u0301" * 400
    _, conversation = reader.put([f"a{pile}", "`a" + pile + "`", "# a" + pile])
    page = reader.page
    page.goto(f"/c/{conversation}/")
    for who in page.locator(".reply .author").all():
        who.scroll_into_view_if_needed()
        before = who.screenshot()
        page.evaluate(
            "for (const it of document.querySelectorAll('.text')) it.style.visibility = 'hidden'"
        )
        assert who.screenshot() == before
        page.evaluate(
            "for (const it of document.querySelectorAll('.text')) it.style.visibility = ''"
        )


HARMS = {
    "acted": "() => { acted(1); }",
    "dialog": "() => { setTimeout(() => alert(1)); }",
    "error": "() => { setTimeout(() => { throw new Error('x'); }); }",
    "page": "() => { open('/'); }",
    "policy": "box => { box.innerHTML = '<img src=https://evil.example/x.png>'; }",
    "attribute": "box => { box.innerHTML = '<p onclick=acted(1)>x</p>'; }",
    "tag": "box => { box.innerHTML = '<form></form>'; }",
    "link": "box => { box.innerHTML = '<a href=javascript:acted(1)>x</a>'; }",
    "request: POST": """box => {
        box.innerHTML = '<i hx-post="/delete-all/" hx-trigger="load"></i>';
        htmx.process(box);
    }""",
    "position": "box => { box.append(document.createElement('b')); box.lastChild.style.position = 'fixed'; }",
    "outside": """box => {
        box.innerHTML = '<p>x</p>';
        box.firstChild.style.width = '3000px';
    }""",
    "wide": "box => { box.style.width = '3000px'; box.closest('.content').style.width = '2000px'; }",
    "clip": "box => { box.style.overflow = 'visible'; }",
    "order": "box => { box.closest('.turn').querySelector('h3').prepend('\\u202e'); }",
    "ids": "box => { box.innerHTML = '<p id=poller></p>'; }",
    "request: GET https": "() => { location = 'https://evil.example/'; }",
}


def test_what_a_text_could_do_would_be_seen(reader: Reader) -> None:
    page, watch = reader.page, reader.watch
    home = page.url

    def is_seen(kind: str) -> bool:
        page.wait_for_timeout(20)  # lets events of the browser come in
        with suppress(Error, AssertionError):  # one of them leaves the page
            watch.look(page)
        return any(said.startswith(kind) for said in watch.found)

    for kind, harm in HARMS.items():
        watch.found.clear()
        page.goto(home)
        page.locator(".reply .text").evaluate(harm)
        assert any(is_seen(kind) for _ in range(100)), (kind, watch.found)


def test_hosts_of_links_are_not_looked_up_before_somebody_follows_them(
    reader: Reader,
) -> None:
    said = reader.page.locator("meta[http-equiv=x-dns-prefetch-control]")
    expect(said).to_have_attribute("content", "off")
