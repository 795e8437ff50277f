"""What somebody typed to search for, as words, and where they stand in a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

TYPED_CHARACTERS = 200
WORDS = 10
#: What is looked at of one: the time to fold it grows with the square of the accents.
WORD_CHARACTERS = 2 * TYPED_CHARACTERS
#: Selectors that make an emoji of the character before them.
SELECTORS = "\ufe0e\ufe0f\u20e3"
ACCENTS = re.compile("[\u0300-\u036f]+")
WORD = re.compile(r"\S+")


class _Separators(dict[int, int]):
    """For ``str.translate``: whatever is of no word becomes a space.

    Words are what the index of SQLite takes for words, or finer: it refuses a query
    for what it would take apart.
    """

    def __missing__(self, code: int) -> int:
        category = unicodedata.category(chr(code))
        is_of_word = category[0] in "LMN" or category == "Co"
        self[code] = code if is_of_word and chr(code) not in SELECTORS else ord(" ")
        return self[code]


_SEPARATORS = _Separators()


@dataclass(frozen=True, slots=True)
class Typed:
    """At least one word; the last one may only have been begun."""

    complete: tuple[str, ...]
    begun: str

    @classmethod
    def read(cls, text: str) -> Typed | None:
        """None where no word was typed. Quotes and operators only separate words."""
        # What is no character (half a surrogate pair) no database takes.
        text = text[:TYPED_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
        words = text.translate(_SEPARATORS).split()
        words = [word for word in words if any(map(str.isalnum, word))][:WORDS]
        return cls(tuple(words[:-1]), words[-1]) if words else None

    def spans(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Where which word stands in a text: beginning, end, number of the word."""
        complete = {fold(word): number for number, word in enumerate(self.complete)}
        begun = fold(self.begun)
        for found in WORD.finditer(text.translate(_SEPARATORS)):
            word = fold(found[0][:WORD_CHARACTERS])
            if word.startswith(begun):
                yield *found.span(), len(self.complete)
            elif word in complete:
                yield *found.span(), complete[word]


def fold(word: str) -> str:
    """Without case and accents, as the indexes keep it."""
    if word.isascii():
        return word.lower()
    bare = ACCENTS.sub("", unicodedata.normalize("NFKD", word))
    return unicodedata.normalize("NFC", bare).lower()
