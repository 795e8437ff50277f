"""Folding: what a character becomes in the search index.

Character by character: compatibility decomposition (NFKD), case folding, and without
accents and format characters, so that composed and decomposed text, capitals, ligatures
and full-width letters are one. Marks that are letters in all but name (the vowels of
India and of South-East Asia, the voicing of kana) stay. See Unicode Standard Annex 15
and section 3.13 of the Unicode Standard.
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
#: Likewise "ø", "ł", "đ" …, by their names.
WITH_ADDITION = re.compile(r"LATIN SMALL LETTER ([A-Z]) WITH ")
#: Not of category Cf, yet without any sign of their own: joiners, Hangul fillers,
#: vowels of Khmer that are not written, variation selectors, the Arabic tatweel.
INVISIBLE = re.compile(
    "[\u034f\u0640\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
#: Apostrophes and signs of stress and tone that Unicode counts among letters.
LETTER_SIGNS = range(0x2B9, 0x300)
#: Combining classes of marks that people leave out. Others are kept: virama (9),
#: voicing of kana (8), vowels and tones of Telugu, Thai, Lao and Tibetan (84 to 132).
OPTIONAL_CLASSES = {1, 6, 7, *range(10, 37), *range(200, 241)}
#: Han that is younger than this Python is Han all the same.
HAN_PLANES = range(0x20000, 0x3FFFE)
LAST_MARK = 0x20000


class _Table(dict[int, str]):
    """For ``str.translate``: what each character becomes; a separator is a space."""

    def __missing__(self, code: int) -> str:
        self[code] = fold_character(chr(code))
        return self[code]


TABLE = _Table()


def fold_character(character: str) -> str:
    """Letters and digits (also several, with spaces between), "" or a space."""
    if is_dropped(character):
        return ""
    category = unicodedata.category(character)
    decomposed = unicodedata.normalize("NFKD", character)
    is_sign = category[0] in "PSZ"
    if category == "So" and unicodedata.decomposition(character).startswith("<super>"):
        return " "  # a trade mark sign is no part of the name before it
    kept = "".join(part for part in decomposed if not is_dropped(part))
    folded = unicodedata.normalize("NFKD", kept.casefold())
    return "".join(_letter(part) for part in folded if not (is_sign and _is_mark(part)))


def is_dropped(character: str) -> bool:
    category = unicodedata.category(character)
    if category in ("Cf", "Me") or INVISIBLE.match(character):
        return True
    return category == "Mn" and unicodedata.combining(character) in OPTIONAL_CLASSES


def in_order(text: str) -> str:
    """Folded text with the marks that follow one letter in one order."""
    if text.isascii():
        return text
    order, several = _marks()
    return several.sub(lambda found: "".join(sorted(found[0], key=order.index)), text)


def ordered_marks() -> str:
    """All marks that are kept and have an order, in that order."""
    return _marks()[0]


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text, and where each of its characters stood in the original."""

    text: str
    #: One more than there are characters: the last is the length of the original.
    places: Sequence[int]

    @classmethod
    def of(cls, original: str) -> Folded:
        if original.isascii():
            return cls(original.translate(TABLE), range(len(original) + 1))
        parts = [TABLE[ord(character)] for character in original]
        places = [place for place, part in enumerate(parts) for _ in part]
        return cls(in_order("".join(parts)), [*places, len(original)])

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Beginning and end in the original, with the accents of the last letter."""
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
