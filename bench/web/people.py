"""The people of one site and the requests that they make, kind by kind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlencode
from uuid import uuid4

from bench.web.browser import (
    Browser,
    Connection,
    Request,
    key_of,
    known_to,
    poll_of,
)
from bench.web.inside_process import Inside

MESSAGE = "How do lighthouses work, and why were they built where they are? ({})"
WORD = "lighthouses"
BEGUN = (
    "A lighthouse warns ships of **rocks and shallows**, and tells them where they are."
    " Its lamp stands high, so that it is seen beyond the horizon of a deck:\n\n"
    "- the lens gathers light into a beam;\n- the beam turns, so that it flashes;\n"
    "- the rhythm of the flashes is its name.\n\nThey were built where ships were lost,"
)
MORE = " at the mouths of rivers, and before reefs that the tide hides."
NEXT = re.compile(r'href="([^"]*\?before=[^"]+)"')
HEALTH = Request("GET", "/healthz", {}, b"", 200)
STYLES = re.compile(r'href="([^"]*/static/[^"]*chat\.css)"')


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many senders there are, and what the reader has."""

    senders: int = 8
    #: The list shows 50 of them, and then 50 more.
    conversations: int = 100
    #: Messages and replies of one conversation.
    messages: int = 50


@dataclass
class Sender:
    """A guest with one conversation, and the newest reply in it."""

    browser: Browser
    conversation: str
    reply: str


class People:
    """Everyone who uses one site: one reader with much, and senders with a little."""

    def __init__(
        self, connection: Connection, inside: Inside, amounts: Amounts
    ) -> None:
        self._connection = connection
        self._inside = inside
        self._number = 0
        inside.call("announce")
        self.senders = [self._new_sender() for _ in range(amounts.senders)]
        self._answer()
        self._reader = self._new_sender()
        for _ in range(amounts.conversations - 1):
            self._say(self._reader, into="")
        for _ in range(amounts.messages // 2 - 1):
            self._settle_one(self._reader)
            self._say(self._reader)
        self._settle_one(self._reader)
        self.home = self._reader.browser.ask(self._reader.browser.get("/"))

    # What the reader does; none of it changes anything.

    def read_home(self, count: int) -> list[Request]:
        """The home page with the newest 50 conversations."""
        return [self._reader.browser.get("/")] * count

    def read_conversation(self, count: int) -> list[Request]:
        """A conversation of 50 messages."""
        return [self._reader.browser.get(self._path(self._reader))] * count

    def read_list(self, count: int) -> list[Request]:
        """The next part of the list, as the page loads it."""
        path = unescape(NEXT.findall(self.home)[0])
        known = urlencode(known_to(self.home))
        request = self._reader.browser.get(f"{path}&{known}", script=True)
        return [request] * count

    def search(self, count: int) -> list[Request]:
        """A search with a full page of hits, as the page makes it."""
        return [self._reader.browser.get(f"/search/?q={WORD}", script=True)] * count

    def look(self, count: int) -> list[Request]:
        """A look at an ended reply through the API."""
        path = f"/api/v1/replies/{self._reader.reply}"
        return [self._reader.browser.get(path)] * count

    def poll_idle(self, count: int) -> list[Request]:
        """A poll of a page on which nothing is pending and nothing changed."""
        browser = self._reader.browser
        page = browser.ask(browser.get(self._path(self._reader)))
        return [poll_of(browser, page)] * count

    def check_health(self, count: int) -> list[Request]:
        """What a container's health check asks."""
        return [HEALTH] * count

    def read_styles(self, count: int) -> list[Request]:
        """A static file."""
        found = STYLES.findall(self.home)[0]
        return [Browser(self._connection).get(found)] * count

    def visit(self, count: int) -> list[Request]:
        """The home page of a new visitor."""
        return [Browser(self._connection).get("/") for _ in range(count)]

    # What senders do.

    def begin_by_page(self, count: int) -> list[Request]:
        """The first message of a new guest, from the home page."""
        self._answer()
        return [self._typed(Browser(self._connection), "/") for _ in range(count)]

    def begin_by_api(self, count: int) -> list[Request]:
        """The first message of a new guest, through the API."""
        self._answer()
        return [self._call(Browser(self._connection)) for _ in range(count)]

    def send_by_page(self, count: int) -> list[Request]:
        """A further message, from the page of its conversation."""
        return [
            self._typed(sender.browser, self._path(sender))
            for sender in self._settled(count)
        ]

    def send_by_api(self, count: int) -> list[Request]:
        """A further message, through the API."""
        return [
            self._call(sender.browser, sender.conversation)
            for sender in self._settled(count)
        ]

    def poll_waiting(self, count: int) -> list[Request]:
        """A poll of a page whose reply is the second of the queue."""
        first, second = self._settled(2)
        self._say(first)
        self._say(second)
        return [poll_of(second.browser, self._page(second))] * count

    def poll_growing(self, count: int) -> list[Request]:
        """A poll that brings twelve more words of a reply."""
        (sender,) = self._settled(1)
        self._say(sender)
        self._inside.call("claim", BEGUN)
        page = self._page(sender)
        self._inside.call("write", MORE)
        return [poll_of(sender.browser, page)] * count

    def poll_ended(self, count: int) -> list[Request]:
        """The poll that brings the finished reply; it also saves its text."""
        pages = self._begun(count)
        self._inside.call("finish_all", "")
        return [
            poll_of(sender.browser, page)
            for sender, page in zip(self.senders, pages, strict=False)
        ]

    def stop(self, count: int) -> list[Request]:
        """The Stop button of a reply that is being written."""
        pages = self._begun(count)
        return [
            sender.browser.post(f"/r/{sender.reply}/stop/", page, together="1")
            for sender, page in zip(self.senders, pages, strict=False)
        ]

    def _begun(self, count: int) -> list[str]:
        """Pages of senders to each of whom a reply is being written."""
        chosen = self._settled(count)
        for sender in chosen:
            self._say(sender)
        self._inside.call("claim_all", BEGUN)
        return [self._page(sender) for sender in chosen]

    def _new_sender(self) -> Sender:
        sender = Sender(Browser(self._connection), "", "")
        self._say(sender)
        return sender

    def _say(self, sender: Sender, into: str | None = None) -> None:
        conversation = sender.conversation if into is None else into
        request = self._call(sender.browser, conversation)
        answer = json.loads(sender.browser.ask(request))
        sender.conversation, sender.reply = answer["conversation"], answer["id"]

    def _settled(self, count: int) -> list[Sender]:
        """Return senders all of whose replies have ended and are saved."""
        self._answer()
        chosen = self.senders[:count]
        for sender in chosen:
            self._page(sender)
        return chosen

    def _answer(self) -> None:
        self._inside.call("finish_all", BEGUN + MORE)

    def _settle_one(self, sender: Sender) -> None:
        self._answer()
        sender.browser.ask(sender.browser.get(f"/api/v1/replies/{sender.reply}"))

    def _call(self, browser: Browser, conversation: str = "") -> Request:
        body = {"text": self._text()}
        if conversation:
            body["conversation"] = conversation
        return browser.call("/api/v1/messages", json.dumps(body).encode(), uuid4().hex)

    def _typed(self, browser: Browser, path: str) -> Request:
        page = browser.ask(browser.get(path))
        fields = {"text": self._text(), "key": key_of(page)}
        return browser.post(f"{path}send/", page, **fields)

    def _text(self) -> str:
        self._number += 1
        return MESSAGE.format(self._number)

    def _page(self, sender: Sender) -> str:
        return sender.browser.ask(sender.browser.get(self._path(sender)))

    def _path(self, sender: Sender) -> str:
        return f"/c/{sender.conversation}/"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request: how some of it are prepared, and whether it takes little."""

    name: str
    prepare: Callable[[People, int], Sequence[Request]]
    is_short: bool = False


KINDS = (
    Kind("home, 50 conversations", People.read_home),
    Kind("home, new visitor", People.visit),
    Kind("conversation of 50 messages", People.read_conversation),
    Kind("next part of the list", People.read_list),
    Kind("search", People.search),
    Kind("first message, page", People.begin_by_page),
    Kind("first message, API", People.begin_by_api),
    Kind("further message, page", People.send_by_page),
    Kind("further message, API", People.send_by_api),
    Kind("poll, idle", People.poll_idle, is_short=True),
    Kind("poll, waiting", People.poll_waiting, is_short=True),
    Kind("poll, growing", People.poll_growing, is_short=True),
    Kind("poll, ended", People.poll_ended),
    Kind("ended reply, API", People.look),
    Kind("stop", People.stop),
    Kind("/healthz", People.check_health, is_short=True),
    Kind("static file", People.read_styles, is_short=True),
)
