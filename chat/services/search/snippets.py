"""Snippets: the part of a text that contains the words of a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from chat.services.search.query_parser import ParsedQuery
from chatsite.search.folding import Folded
from chatsite.search.tokens import begins_unspaced

SNIPPET_CHARACTERS = 180
#: Characters before the first match.
LEAD_CHARACTERS = 40
#: Matches that are considered: a text may have a hundred thousand.
SPANS = 2000
Span = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SnippetPart:
    """A stretch of a snippet, which is a match or not."""

    text: str
    is_match: bool = False


def snippet(text: str, folded: Folded, query: ParsedQuery) -> tuple[SnippetPart, ...]:
    """The stretch with the most different words, with its matches marked."""
    spans = list(islice(query.spans(folded), SPANS))
    begin = _begin(text, _best(spans))
    end = _end(text, begin)
    parts = [SnippetPart("…")] if begin else []
    parts += _parts(text, begin, end, spans)
    return (*parts, SnippetPart("…")) if end < len(text.rstrip()) else tuple(parts)


def marked(text: str, folded: Folded, query: ParsedQuery) -> tuple[SnippetPart, ...]:
    """The whole text, with its matches marked."""
    return tuple(_parts(text, 0, len(text), list(query.spans(folded))))


def _best(spans: Sequence[Span]) -> int:
    """The start of the stretch with the most different words; the first of several."""
    best, most, last = 0, 0, 0
    for first, (begin, _, _) in enumerate(spans):
        while last < len(spans) and spans[last][1] <= begin + _room():
            last += 1
        different = len({number for _, _, number in spans[first:last]})
        if different > most:
            best, most = begin, different
    return best


def _room() -> int:
    return SNIPPET_CHARACTERS - LEAD_CHARACTERS


def _begin(text: str, match: int) -> int:
    """A place shortly before the match at which a word begins.

    In scripts without spaces any letter counts.
    """
    if match <= LEAD_CHARACTERS:
        return 0
    begin = match - LEAD_CHARACTERS
    for place in range(begin, match):
        if text[place - 1].isspace() or begins_unspaced(text[place]):
            return place
    return match


def _end(text: str, begin: int) -> int:
    """The end of a word near the length of a snippet, if there is one."""
    end = begin + SNIPPET_CHARACTERS
    if end >= len(text):
        return len(text)
    for place in range(end, end - LEAD_CHARACTERS, -1):
        if text[place].isspace():
            return place
    return end


def _parts(text: str, begin: int, end: int, spans: Sequence[Span]) -> list[SnippetPart]:
    parts: list[SnippetPart] = []
    place = begin
    for first, last, _ in spans:
        if first < begin or last > end:
            continue
        parts += [
            SnippetPart(text[place:first]),
            SnippetPart(text[first:last], is_match=True),
        ]
        place = last
    return [part for part in (*parts, SnippetPart(text[place:end])) if part.text]
