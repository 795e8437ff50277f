"""Programs that call ``/v1/chat/completions`` beside the guests, and their audit.

Whatever breaks, a stream ends with [DONE], after an error or without one, or its
connection is cut; a whole answer comes or does not. And the rows agree with it.
"""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.chaos.guests import TERMINAL, IsOver
from tests.chaos.site import Part
from tests.processes import ROOT
from worker.engine.script import without_marks

ANSWER_SECONDS = 60
MAKE_KEY = """
from chat.accounts.api_keys import make_key
from chat.models import User
owner = User.objects.create_user("caller", None)
owner.limits = {"prompts_per_minute": 10**6, "prompts_per_day": 10**6,
                "tokens_per_day": 10**9}
owner.save()
print(make_key(owner, "a program", can_batch=True)[1])
"""


class End(StrEnum):
    #: [DONE], or a whole answer.
    DONE = "done"
    #: An error and then [DONE]; or an error in place of an answer.
    ERROR = "error"
    #: The connection was lost.
    CUT = "cut"
    #: The caller hung up.
    LEFT = "left"
    #: The answer is complete and no stream: what must not happen.
    BROKEN = "broken"


@dataclass
class Call:
    text: str
    is_streamed: bool
    #: What came of the reply, and of which.
    read: str = ""
    reply: str = ""
    end: End = End.CUT


@dataclass
class Caller:
    """One program with a key, which calls again and again."""

    url: str
    key: str
    dice: random.Random
    text_of: Any
    sent: list[Call] = field(default_factory=list)

    def live(self, is_over: IsOver) -> None:
        while not is_over():
            call = Call(self.text_of(self.dice), self.dice.random() < 0.7)
            self.sent.append(call)
            leaves = call.is_streamed and self.dice.random() < 0.3
            try:
                self._make(call, leaves)
            except (OSError, http.client.HTTPException):
                call.end = End.CUT
            if call.end in (End.CUT, End.ERROR):
                time.sleep(0.3)

    def _make(self, call: Call, leaves: bool) -> None:
        host = self.url.removeprefix("http://")
        with closing(http.client.HTTPConnection(host, timeout=ANSWER_SECONDS)) as link:
            body = {
                "model": "scripted",
                "messages": [{"role": "user", "content": call.text}],
                "stream": call.is_streamed,
            }
            headers = {
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
            }
            link.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answer = link.getresponse()
            if answer.status != 200:
                call.end = End.ERROR
            elif call.is_streamed:
                self._read_stream(call, answer, leaves)
            else:
                whole = json.load(answer)
                call.reply = reply_of(whole)
                call.read = whole["choices"][0]["message"]["content"]
                call.end = End.DONE

    def _read_stream(
        self, call: Call, answer: http.client.HTTPResponse, leaves: bool
    ) -> None:
        call.end = End.BROKEN
        for data in events(answer):
            if data is None:
                is_failed = call.end is End.ERROR
                call.end = End.ERROR if is_failed else End.DONE
            elif "error" in data:
                call.end = End.ERROR
            else:
                call.reply = reply_of(data)
                for choice in data["choices"]:
                    call.read += choice["delta"].get("content") or ""
                if leaves and call.read:
                    call.end = End.LEFT
                    return


def events(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any] | None]:
    """The objects of a stream; None for [DONE], behind which nothing comes."""
    rest, is_done = b"", False
    # Not by lines: these end where the connection is cut, as if all had been read.
    while piece := answer.read1(65536):
        *found, rest = (rest + piece).split(b"\n\n")
        for event in found:
            assert not is_done, event
            data = event.removeprefix(b"data: ")
            is_done = data == b"[DONE]"
            yield None if is_done else json.loads(data)
    if not is_done and not answer.chunked:
        raise http.client.IncompleteRead(rest)  # the connection's end is the answer's


def reply_of(answer: dict[str, Any]) -> str:
    return str(UUID(answer["id"].removeprefix("chatcmpl-")))


def make_key(web: Part) -> str:
    """A key of an account that may do much."""
    made = subprocess.run(
        [web.command[0], "manage.py", "shell", "-v0", "-c", MAKE_KEY],
        cwd=ROOT,
        env=web.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip()


def start(callers: Sequence[Caller], is_over: IsOver) -> list[threading.Thread]:
    threads = [
        threading.Thread(target=caller.live, args=[is_over], daemon=True)
        for caller in callers
    ]
    for thread in threads:
        thread.start()
    return threads


@dataclass
class CallAudit:
    """``ends`` counts how calls ended; ``bad`` ought to be empty."""

    ends: dict[str, int] = field(default_factory=dict)
    pending: int = 0
    bad: list[str] = field(default_factory=list)


def examine_calls(
    database: Path, callers: Sequence[Caller], expected: Any
) -> CallAudit:
    """Every reply has ended, once for each call, and as the call was told."""
    rows = rows_of_calls(database)
    audit = CallAudit()
    ends: Counter[str] = Counter()
    of_prompt = Counter(prompt for _, _, prompt in rows.values())
    for call in (call for caller in callers for call in caller.sent):
        ends[call.end] += 1
        problem = problem_of(call, rows, expected(call.text))
        if of_prompt[call.text] > 1:
            problem = "doubled"
        if problem:
            audit.bad.append(f"{problem}: {call}")
    audit.ends = {str(end): count for end, count in sorted(ends.items())}
    audit.pending = sum(state not in TERMINAL for state, _, _ in rows.values())
    return audit


def problem_of(
    call: Call, rows: dict[str, tuple[str, str, str]], expected: str | None
) -> str:
    """What is wrong with a call; empty if nothing is."""
    if call.end is End.BROKEN:
        return "neither [DONE] nor cut"
    if expected is not None and not expected.startswith(without_marks(call.read)):
        return "wrong text"
    if not call.reply:
        return ""
    if call.reply not in rows:
        return "lost"
    state, text, _ = rows[call.reply]
    if call.end is End.DONE:
        is_whole = expected is None or without_marks(text) == expected
        return "" if (state, text) == ("done", call.read) and is_whole else "unlike row"
    is_begun = expected is None or expected.startswith(without_marks(text))
    return "" if is_begun else "wrong row"


def rows_of_calls(database: Path) -> dict[str, tuple[str, str, str]]:
    """State, text and prompt of the replies to calls, by their ids."""
    address = f"file:{database}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=10)) as link:
        found = link.execute(
            """
            SELECT message.id, reply.state, message.text, prompt.text
            FROM chat_reply reply
            JOIN chat_message message ON message.id = reply.message_id
            JOIN chat_message prompt ON prompt.id = message.parent_id
            JOIN chat_conversation conversation
              ON conversation.id = message.conversation_id
            WHERE conversation.api_key_id IS NOT NULL
            """
        ).fetchall()
    return {str(UUID(pk)): (state, text, prompt) for pk, state, text, prompt in found}
