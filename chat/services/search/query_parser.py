"""Parses a search query into the terms of the index, and finds them in texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chatsite.search.folding import TABLE, Folded, in_order
from chatsite.search.tokens import CONTINUES, PIECE, TOKEN_CHARACTERS, bigrams, units

TYPED_CHARACTERS = 200
#: Folding turns one character into several: a Hangul syllable into up to three.
FOLDED_CHARACTERS = 3 * TYPED_CHARACTERS
TERMS = 10


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or a run of a script without spaces, which matches inside other runs."""

    text: str
    is_run: bool
    #: Whether the user may have typed only its beginning.
    is_prefix: bool

    def words(self) -> list[str]:
        """The tokens that must occur exactly."""
        if self.is_run:
            pairs = bigrams(units(self.text), with_last=False)
            return pairs[:-1] if self.is_prefix else pairs
        return [] if self.is_prefix else [self.text[:TOKEN_CHARACTERS]]

    def prefixes(self) -> list[str]:
        """The tokens that must occur as the beginning of a token."""
        if not self.is_run:
            return [self.text[:TOKEN_CHARACTERS]] if self.is_prefix else []
        parts = units(self.text)
        if len(parts) == 1:
            return [self.text[:TOKEN_CHARACTERS]]
        return bigrams(parts[-2:], with_last=False) if self.is_prefix else []

    def pattern(self) -> re.Pattern[str]:
        """A pattern for the run in folded text, up to the end of a syllable."""
        end = f"[{CONTINUES}]*" if self.is_prefix else f"(?![{CONTINUES}])"
        return re.compile(re.escape(self.text) + end)


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """The terms, of which only the last one may be a prefix.

    There are none where only filters were typed.
    """

    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str) -> ParsedQuery | None:
        """Parse what a user typed; None without any word.

        Quotes and operators only separate words.
        """
        folded = in_order(text[:TYPED_CHARACTERS].translate(TABLE))[:FOLDED_CHARACTERS]
        found = list(PIECE.finditer(folded))[:TERMS]
        if not found:
            return None
        return cls(
            tuple(Term(piece[0], bool(piece[1]), piece is found[-1]) for piece in found)
        )

    @property
    def words(self) -> list[str]:
        """The tokens of all terms that must occur exactly."""
        return list(dict.fromkeys(word for term in self.terms for word in term.words()))

    @property
    def prefixes(self) -> list[str]:
        """The tokens of all terms that must occur as a prefix."""
        return [prefix for term in self.terms for prefix in term.prefixes()]

    def is_in(self, text: Folded) -> bool:
        """Whether a text contains the runs as they were typed.

        The index only knows that it contains each pair of their letters.
        """
        runs = (term for term in self.terms if term.is_run)
        return all(term.pattern().search(text.text) for term in runs)

    def spans(self, text: Folded) -> Iterator[tuple[int, int, int]]:
        """Start, end and term number of each match in the original text.

        In order, without overlaps.
        """
        if not self.terms:
            return
        words = {
            term.text: number
            for number, term in enumerate(self.terms)
            if not (term.is_run or term.is_prefix)
        }
        runs = [(n, term.pattern()) for n, term in enumerate(self.terms) if term.is_run]
        place = 0
        for piece in PIECE.finditer(text.text):
            found = _in_run(piece, runs) if piece[1] else self._in_word(piece, words)
            for start, end, number in found:
                first, last = text.span(start, end)
                if max(first, place) < last:
                    yield max(first, place), last, number
                place = max(place, last)

    def _in_word(
        self, piece: re.Match[str], words: dict[str, int]
    ) -> Iterator[tuple[int, int, int]]:
        last = self.terms[-1]
        if last.is_prefix and not last.is_run and piece[0].startswith(last.text):
            yield *piece.span(), len(self.terms) - 1
        elif piece[0] in words:
            yield *piece.span(), words[piece[0]]


def _in_run(
    piece: re.Match[str], runs: list[tuple[int, re.Pattern[str]]]
) -> list[tuple[int, int, int]]:
    found = [
        (piece.start() + match.start(), piece.start() + match.end(), number)
        for number, pattern in runs
        for match in pattern.finditer(piece[0])
    ]
    return sorted(found)
