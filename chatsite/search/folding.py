"""Folding: what a character becomes in the search index.

Each character is decomposed (NFKD) and case-folded, and loses its accents and format
characters. So composed and decomposed text, capitals, ligatures and full-width letters
become the same. Marks that work as letters (vowels of India and of South-East Asia, the
voicing of kana) stay. See Unicode Standard Annex 15 and section 3.13 of the Unicode
Standard.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

#: Letters that Unicode does not decompose, but that people write without the addition;
#: of Arabic and Persian those that Lucene's normalizers of the two languages equate.
VARIANTS = {
    "ı": "i",
    "æ": "ae",
    "œ": "oe",
    "ð": "d",
    "þ": "th",
    "ى": "ي",
    "ی": "ي",
    "ک": "ك",
    "ة": "ه",
    "ہ": "ه",
}
#: The same for "ø", "ł", "đ" …, by their Unicode names.
WITH_ADDITION = re.compile(r"LATIN SMALL LETTER ([A-Z]) WITH ")
#: Invisible characters outside category Cf: joiners, Hangul fillers, vowels of Khmer
#: that are not written, variation selectors, the Arabic tatweel.
INVISIBLE = re.compile(
    "[\u034f\u0640\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
#: Apostrophes and signs of stress and tone that Unicode counts among letters.
LETTER_SIGNS = range(0x2B9, 0x300)
#: Combining classes of marks that people leave out. Others are kept: virama (9),
#: voicing of kana (8), vowels and tones of Telugu, Thai, Lao and Tibetan (84 to 132).
OPTIONAL_CLASSES = {1, 6, 7, *range(10, 37), *range(200, 241)}
#: Han characters that are newer than this Python's Unicode data count as Han.
HAN_PLANES = range(0x20000, 0x3FFFE)
LAST_MARK = 0x20000


class _Table(dict[int, str]):
    """A table for ``str.translate``, filled on demand; separators become spaces."""

    def __missing__(self, code: int) -> str:
        self[code] = fold_character(chr(code))
        return self[code]


TABLE = _Table()


def fold_character(character: str) -> str:
    """Return what a character becomes: letters, digits and spaces, or nothing."""
    if is_dropped(character):
        return ""
    category = unicodedata.category(character)
    decomposed = unicodedata.normalize("NFKD", character)
    is_sign = category[0] in "PSZ"
    if category == "So" and unicodedata.decomposition(character).startswith("<super>"):
        return " "  # a trade mark sign does not belong to the name before it
    kept = "".join(part for part in decomposed if not is_dropped(part))
    folded = unicodedata.normalize("NFKD", kept.casefold())
    return "".join(_letter(part) for part in folded if not (is_sign and _is_mark(part)))


def is_dropped(character: str) -> bool:
    """Whether the index leaves this character out: an accent, or invisible."""
    category = unicodedata.category(character)
    if category in ("Cf", "Me") or INVISIBLE.match(character):
        return True
    return category == "Mn" and unicodedata.combining(character) in OPTIONAL_CLASSES


def in_order(text: str) -> str:
    """Sort the marks after each letter of a folded text, so that their order is one."""
    if text.isascii():
        return text
    order, several = _marks()
    return several.sub(lambda found: "".join(sorted(found[0], key=order.index)), text)


def ordered_marks() -> str:
    """Return all marks that are kept and have an order, in that order."""
    return _marks()[0]


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text, and the place of each of its characters in the original."""

    text: str
    #: One more than the text has characters; the last is the original's length.
    places: Sequence[int]

    @classmethod
    def of(cls, original: str) -> Folded:
        """Fold a text."""
        if original.isascii():
            return cls(original.translate(TABLE), range(len(original) + 1))
        parts = [TABLE[ord(character)] for character in original]
        places = [place for place, part in enumerate(parts) for _ in part]
        return cls(in_order("".join(parts)), [*places, len(original)])

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Return beginning and end in the original, with the last letter's accents."""
        last = self.places[end - 1] + 1
        return self.places[begin], max(last, self.places[end])


def _letter(character: str) -> str:
    if is_dropped(character):
        return ""
    category, code = unicodedata.category(character), ord(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cn" and code in HAN_PLANES:
        return character
    if category[0] not in "LMN" or code in LETTER_SIGNS:
        return " "
    if addition := WITH_ADDITION.match(unicodedata.name(character, "")):
        return addition[1].lower()
    return VARIANTS.get(character, character)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


@cache
def _marks() -> tuple[str, re.Pattern[str]]:
    order = "".join(sorted(_kept_marks(), key=lambda mark: (_class(mark), mark)))
    return order, re.compile(f"[{order}]{{2,}}")


def _kept_marks() -> Iterator[str]:
    for character in map(chr, range(0x300, LAST_MARK)):
        if _class(character) and not is_dropped(character):
            yield character


def _class(mark: str) -> int:
    return unicodedata.combining(mark)
