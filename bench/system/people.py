"""People who send a message, watch the page until the reply is there, and so on."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from html import unescape

import aiohttp

from bench.waiting_pages import DELAY, INPUT, POLLER, Load, Visitor

#: A word that only the scripted engine writes, and how a page marks a finished reply.
FIRST_WORD = "said:"
DONE = re.compile(r'class="[^"]*\breply\b[^"]*\bdone\b')

#: Between two looks at the front page by a visitor who sends nothing.
LOOK_SECONDS = 0.5


@dataclass
class Seen:
    """When things happened for people, in seconds since the epoch, by conversation."""

    sent: dict[str, float] = field(default_factory=dict)
    first_text: dict[str, float] = field(default_factory=dict)
    end: dict[str, float] = field(default_factory=dict)
    #: Seconds in which the front page was answered.
    pages: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Person(Visitor):
    """One person with a browser, who is never idle."""

    async def talk(self, text: str, seen: Seen) -> None:
        """Send and read until cancelled."""
        while True:
            pressed = time.time()
            conversation = await self.send(text)
            if conversation is None:
                await asyncio.sleep(1)
                continue
            seen.sent[conversation] = pressed
            await self._read(conversation, seen)

    async def _read(self, conversation: str, seen: Seen) -> None:
        """Poll as the page does until the reply is shown as finished."""
        page = await self._ask("GET", f"/c/{conversation}/", None)
        while page is not None:
            if FIRST_WORD in page:
                seen.first_text.setdefault(conversation, time.time())
            if DONE.search(page):
                seen.end[conversation] = time.time()
                return
            poller = POLLER.search(page)
            if poller is None:
                return
            delay = DELAY.search(poller[0])
            await asyncio.sleep(int(delay[1]) / 1000 if delay else 1)
            known = [(name, unescape(is_)) for name, is_ in INPUT.findall(poller[0])]
            page = await self._ask(
                *("GET", "/poll/", None),
                params=known,
                headers={"HX-Request": "true"},
            )


async def look(visitor: Visitor, seen: Seen) -> None:
    """Open the front page again and again until cancelled."""
    while True:
        began = time.monotonic()
        if await visitor._ask("GET", "/", None) is not None:
            seen.pages.append(time.monotonic() - began)
        await asyncio.sleep(LOOK_SECONDS)


async def crowd(url: str, people: int, seconds: float, text: str) -> Seen:
    """Let so many people talk for a time; return what they saw."""
    seen, load = Seen(), Load()
    async with aiohttp.TCPConnector(limit=0) as connector:
        persons = [Person(url, connector, load) for _ in range(people)]
        tasks = [asyncio.create_task(one.talk(text, seen)) for one in persons]
        other = Visitor(url, connector, load)
        tasks.append(asyncio.create_task(look(other, seen)))
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for person in (*persons, other):
            await person.close()
    seen.errors = load.errors
    return seen
