"""Guests who send prompts and watch them through real HTTP, whatever happens."""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from worker.engine.script import without_marks

IsOver = Callable[[], bool]
ANSWER_SECONDS = 5
TERMINAL = ("done", "stopped", "failed")


@dataclass
class Sent:
    """A prompt the server acknowledged."""

    text: str
    key: str
    url: str
    reply: str
    is_stopped: bool = False
    state: str = ""
    #: What was shown although it belongs to nobody's reply to this prompt.
    wrong: str = ""
    #: The reply as the guest last saw it.
    seen: str = ""


@dataclass
class Guest:
    """One browser: keeps its cookie, sends again with the same key after trouble."""

    site: str
    dice: random.Random
    expected: Any
    text_of: Any
    sent: list[Sent] = field(default_factory=list)
    #: Text and key of the message that is being sent.
    sending: tuple[str, str] | None = None
    troubles: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self._cookies = http.cookiejar.CookieJar()
        cookies = urllib.request.HTTPCookieProcessor(self._cookies)
        self._opener = urllib.request.build_opener(cookies)

    def at(self, site: str) -> Guest:
        """The same browser with a copy of this site, as things stand now."""
        there = Guest(site, self.dice, self.expected, self.text_of)
        for cookie in self._cookies:
            there._cookies.set_cookie(cookie)
        there.sending = self.sending
        there.sent = [
            replace(sent, url=sent.url.replace(self.site, site)) for sent in self.sent
        ]
        return there

    def live(self, is_over: IsOver) -> None:
        """Send, watch, stop, leave; until it is over."""
        while not self.first_visit() and not is_over():
            time.sleep(0.5)
        while not is_over():
            sent = self.send(is_over)
            if sent is None:
                continue
            if self.dice.random() < 0.15:
                continue  # Closes the tab; looks in the end.
            stops = self.dice.random() < 0.12
            self.watch(sent, is_over, stop_after=self.dice.random() if stops else None)

    def send(self, is_over: IsOver) -> Sent | None:
        self.sending = self.text_of(self.dice), uuid4().hex
        return self.go_on_sending(is_over)

    def go_on_sending(self, is_over: IsOver) -> Sent | None:
        while self.sending and not is_over():
            text, key = self.sending
            answers = [self._post(text, key)]
            if self.dice.random() < 0.1:  # Enter twice
                answers.append(self._post(text, key))
            told = [answer for answer in answers if answer is not None]
            if told:
                sent = Sent(text, key, told[0]["url"], told[0]["id"])
                if len({answer["id"] for answer in told}) > 1:
                    sent.wrong = "two replies for one key"
                self.sent.append(sent)
                self.sending = None
                return sent
            time.sleep(0.3 + self.dice.random())
        return None

    def watch(
        self, sent: Sent, is_over: IsOver, *, stop_after: float | None = None
    ) -> None:
        began = time.monotonic()
        while not is_over():
            found = self.look(sent)
            if found is None:
                time.sleep(0.3 + 0.4 * self.dice.random())
                continue
            if sent.state in TERMINAL:
                return
            if stop_after is not None and time.monotonic() - began > stop_after:
                # It may be carried out although the answer is lost.
                sent.is_stopped = True
                if self._call(f"{sent.url}/stop", {}) is not None:
                    stop_after = None
            time.sleep(0.15 + 0.2 * self.dice.random())

    def look(self, sent: Sent) -> dict[str, Any] | None:
        """What the server shows now, checked to the character."""
        found = self._call(sent.url, None)
        if found is not None:
            sent.state = found["state"]
            expected = self.expected(sent.text)
            shown = without_marks(found["text"])
            sent.seen = found["text"]
            if expected is not None and not expected.startswith(shown):
                sent.wrong = found["text"][-200:]
        return found

    def first_visit(self) -> bool:
        try:
            self._opener.open(self.site, timeout=ANSWER_SECONDS).close()
        except (OSError, http.client.HTTPException):
            return False
        return True

    def _post(self, text: str, key: str) -> dict[str, Any] | None:
        return self._call(
            f"{self.site}/api/v1/messages", {"text": text}, {"Idempotency-Key": key}
        )

    def _call(
        self,
        url: str,
        body: dict[str, Any] | None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any] | None:
        """The answer as JSON; None after any trouble."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            url, data, {"Content-Type": "application/json", **(headers or {})}
        )
        try:
            with self._opener.open(request, timeout=ANSWER_SECONDS) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            self.refused += error.code == 429
            self.troubles += 1
        except (OSError, http.client.HTTPException, ValueError):
            self.troubles += 1
        return None


def crowd(guests: list[Guest], is_over: IsOver) -> list[threading.Thread]:
    threads = [
        threading.Thread(target=guest.live, args=[is_over], daemon=True)
        for guest in guests
    ]
    for thread in threads:
        thread.start()
    return threads


def after(seconds: float) -> IsOver:
    """Whether so much time has passed from now on."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until
