"""Tokens: the words of a text as the search index keeps them.

A word is a run of folded letters and digits. Some scripts put no spaces between words.
There each letter with its marks, or each syllable of Hangul, forms a token with the
next one (bigrams, as in Lucene's CJKAnalyzer). A query is cut in the same way. The last
letter of a run is a token by itself, so that every letter begins a token.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from chatsite.search.folding import TABLE, in_order

#: Longer tokens are cut: PostgreSQL refuses tokens of more than 2,046 bytes.
TOKEN_CHARACTERS = 100
#: Search finds nothing beyond. A tsvector holds 1 MB: that many characters, each in two
#: tokens of four bytes a character.
TEXT_CHARACTERS = 100_000
#: Blocks of scripts without spaces between words. Hangul has spaces, but joins
#: particles and further nouns to a noun without any.
BLOCKS = (
    *((0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF)),
    *((0x1A20, 0x1AAF), (0x1B00, 0x1B7F), (0xA980, 0xA9FF), (0xAA60, 0xAADF)),
    *((0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF)),
    *((0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3035), (0x303B, 0x303C)),
    *((0x3040, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0xA4CF), (0xF900, 0xFAFF)),
    *((0x16FE0, 0x18DFF), (0x1AFF0, 0x1B2FF), (0x20000, 0x3FFFD)),
)
LEADING = "\u1100-\u115f\ua960-\ua97c"
VOWELS = "\u1160-\u11a7\ud7b0-\ud7c6"
TRAILING = "\u11a8-\u11ff\ud7cb-\ud7fb"
#: Syllables of Hangul, before folding takes them apart.
SYLLABLES = "\uac00-\ud7a3"
#: Marks of these scripts lie in these ranges; above there are only Han and Yi.
MARKS_UNTIL = 0x31FF
MARKS_AGAIN = range(0xA980, 0xAB00)


def _marks() -> str:
    codes = (*range(0xE00, MARKS_UNTIL), *MARKS_AGAIN)
    in_blocks = [chr(c) for c in codes if any(a <= c <= b for a, b in BLOCKS)]
    return "".join(c for c in in_blocks if unicodedata.category(c)[0] == "M")


#: For character classes of regular expressions, in Python and in PostgreSQL.
UNSPACED = "".join(f"{chr(first)}-{chr(last)}" for first, last in BLOCKS)
MARKS = _marks()
#: Characters that continue a letter or a syllable.
CONTINUES = f"{VOWELS}{TRAILING}{MARKS}"
UNIT = f"[{LEADING}][{VOWELS}]?[{TRAILING}]?[{MARKS}]*|.[{MARKS}]*"
RUN_OR_WORD = f"([{UNSPACED}]+)|[^ {UNSPACED}]+"

PIECE = re.compile(RUN_OR_WORD)
_BEGINS = re.compile(f"(?![{CONTINUES}])[{UNSPACED}{SYLLABLES}]")
_UNIT = re.compile(UNIT)


def index_words(text: str) -> str:
    """Return the distinct tokens of a text, sorted, with a space between them."""
    folded = in_order(text[:TEXT_CHARACTERS].translate(TABLE)[:TEXT_CHARACTERS])
    return " ".join(sorted(set(_tokens(folded))))


def _tokens(folded: str) -> Iterator[str]:
    if folded.isascii():
        yield from (word[:TOKEN_CHARACTERS] for word in folded.split())
        return
    for piece in PIECE.finditer(folded):
        if piece[1]:
            yield from bigrams(units(piece[1]), with_last=True)
        else:
            yield piece[0][:TOKEN_CHARACTERS]


def units(run: str) -> list[str]:
    """Split a run without spaces into letters with their marks, or syllables."""
    return _UNIT.findall(run)


def begins_unspaced(character: str) -> bool:
    """Whether the character begins a letter of a script without spaces."""
    return bool(_BEGINS.match(character))


def bigrams(parts: list[str], *, with_last: bool) -> list[str]:
    """Join each part with the next; ``with_last`` adds the last one alone."""
    pairs = [f"{one}{two}"[:TOKEN_CHARACTERS] for one, two in pairwise(parts)]
    return [*pairs, parts[-1][:TOKEN_CHARACTERS]] if with_last else pairs
