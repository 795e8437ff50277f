"""What the scripted engine writes: the words of the newest prompt, again and again.

Directives in the prompt steer it:

- ``[words=40]``: the number of words;
- ``[delay=0.05]``: seconds before each word;
- ``[first=1]``: seconds before the first word, as for a long prompt;
- ``[unicode]``: words of several bytes a character;
- ``[run]``: every word carries a mark of its run, which shows whether two runs wrote
  into one reply;
- after half of the words: ``[fail]``, ``[crash]`` (the process exits at once) or
  ``[hang]`` (no more text until stop, deadline or close).
"""

from __future__ import annotations

import re
from itertools import cycle, islice

DEFAULT_WORDS = 12
MAX_WORDS = 100_000
DIRECTIVE = re.compile(
    r"\[(words|delay|first|fail|crash|hang|unicode|run)(?:=([\d.]+))?\]"
)
#: Two to four bytes a character, a combining mark, an emoji of several code points.
UNICODE_WORDS = ("Grüße", "日本語", "e\u0301", "\U0001f469\u200d\U0001f680", "🎉")

MARK = re.compile("·[0-9a-f]{4}")


def directives(prompt: str) -> dict[str, str]:
    """Return the directives of a prompt, with their values."""
    return dict(DIRECTIVE.findall(prompt))


def reply_words(prompt: str) -> list[str]:
    """Return the words of the reply to a prompt, as many as it asks for."""
    steering = directives(prompt)
    said = DIRECTIVE.sub(" ", prompt).split() or ["nothing"]
    extra = UNICODE_WORDS if "unicode" in steering else ()
    count = number_of(steering.get("words"), DEFAULT_WORDS)
    return list(islice(cycle(["You", "said:", *extra, *said]), int(count)))


def expected_reply(prompt_text: str) -> str:
    """Return the whole reply to a prompt, if nothing stops it or cuts it short."""
    return " ".join(reply_words(prompt_text))


def without_marks(text: str) -> str:
    """Return a reply to a ``[run]`` prompt without its marks, if one run wrote it."""
    if len(set(MARK.findall(text))) > 1:
        return f"(more than one run) {text}"
    return MARK.sub("", text)


def number_of(value: str | None, default: float) -> float:
    """Return the number of a directive, or a default if it is none."""
    try:
        return min(float(value or default), MAX_WORDS)
    except ValueError:
        return default
