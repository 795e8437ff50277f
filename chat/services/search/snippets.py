"""The part of a text that shows why it was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from chat.services.search.query_parser import ParsedQuery
from chatsite.search.folding import Folded
from chatsite.search.tokens import begins_unspaced

SNIPPET_CHARACTERS = 180
#: What stands before the first word found.
LEAD_CHARACTERS = 40
#: Words found that are looked at: a text may hold a hundred thousand.
SPANS = 2000
Span = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SnippetPart:
    text: str
    is_match: bool = False


def snippet(text: str, folded: Folded, typed: ParsedQuery) -> tuple[SnippetPart, ...]:
    """The place where most of the words stand together, with each of them marked."""
    spans = list(islice(typed.spans(folded), SPANS))
    begin = _begin(text, _best(spans))
    end = _end(text, begin)
    pieces = [SnippetPart("… ")] if begin else []
    pieces += _pieces(text, begin, end, spans)
    return (*pieces, SnippetPart(" …")) if end < len(text.rstrip()) else tuple(pieces)


def marked(text: str, folded: Folded, typed: ParsedQuery) -> tuple[SnippetPart, ...]:
    """The whole text with the words marked."""
    return tuple(_pieces(text, 0, len(text), list(typed.spans(folded))))


def _best(spans: Sequence[Span]) -> int:
    """Where the stretch with the most different words begins; the first of several."""
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
    """A little before the match, where a word begins, or a letter of a script that has
    no spaces."""
    if match <= LEAD_CHARACTERS:
        return 0
    begin = match - LEAD_CHARACTERS
    for place in range(begin, match):
        if text[place - 1].isspace() or begins_unspaced(text[place]):
            return place
    return match


def _end(text: str, begin: int) -> int:
    """Where a word ends, if one does so near the length of a snippet."""
    end = begin + SNIPPET_CHARACTERS
    if end >= len(text):
        return len(text)
    for place in range(end, end - LEAD_CHARACTERS, -1):
        if text[place].isspace():
            return place
    return end


def _pieces(
    text: str, begin: int, end: int, spans: Sequence[Span]
) -> list[SnippetPart]:
    pieces: list[SnippetPart] = []
    place = begin
    for first, last, _ in spans:
        if first < begin or last > end:
            continue
        pieces += [
            SnippetPart(text[place:first]),
            SnippetPart(text[first:last], is_match=True),
        ]
        place = last
    return [piece for piece in (*pieces, SnippetPart(text[place:end])) if piece.text]
