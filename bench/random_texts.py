"""Random texts with word frequencies as in real texts: few frequent, most rare."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, product
from random import Random

#: Frequent words of English, the most frequent first.
FREQUENT = """
the of and to a in is that it for you i on with as are this be was or not have can by
your from at but they we an if my what so do there which will their one would about all
when more has how some them up use like out time just he she people any other into than
then its no way could these make her him who also our need get because see two may work
first know very think should only most over new such after where even good many used
does well each both through between different often help example data system important
using another same much those while before own back being made since large small during
without water point question number word set still place part why find long end write
day life world however
""".split()  # noqa: SIM905 - a list of this length reads best as text
BEGINNINGS = "b c d f g h j k l m n p r s t v w br cl dr gr pl st tr sh ch th"
VOWELS = "a e i o u ai ea ou"
ENDINGS = ("", "n", "r", "s", "t", "ng", "nt", "ly")
VOCABULARY = 60_000
#: Smallest and largest number of words, of a message and of a reply.
LENGTHS = ((4, 24), (20, 120))
#: Han characters without meaning; words have two or three of them.
HAN = [chr(0x4E00 + 7 * number) for number in range(2500)]
HAN_VOCABULARY = 20_000


def vocabulary(random: Random, size: int = VOCABULARY) -> list[str]:
    """Make ``size`` different words, the most frequent first."""
    syllables = ["".join(pair) for pair in product(BEGINNINGS.split(), VOWELS.split())]
    words = dict.fromkeys(FREQUENT)
    while len(words) < size:
        count = random.choice((2, 2, 3, 3, 3, 4))
        word = "".join(random.choices(syllables, k=count)) + random.choice(ENDINGS)
        words[word] = None
    return list(words)


def han_vocabulary(random: Random, size: int = HAN_VOCABULARY) -> list[str]:
    """Make ``size`` different words of Han characters, the most frequent first."""
    words: dict[str, None] = {}
    while len(words) < size:
        words["".join(random.choices(HAN, k=random.choice((2, 2, 2, 3))))] = None
    return list(words)


def han_texts(random: Random, words: list[str]) -> Iterator[str]:
    """Generate sentences without spaces, endlessly."""
    weights = _weights(words)
    while True:
        count = random.randint(5, 40)
        yield "".join(random.choices(words, cum_weights=weights, k=count)) + "。"


def texts(random: Random, words: list[str]) -> Iterator[str]:
    """Generate messages and replies in turn, endlessly."""
    weights = _weights(words)
    while True:
        for least, most in LENGTHS:
            count = random.randint(least, most)
            yield " ".join(random.choices(words, cum_weights=weights, k=count))


def _weights(words: list[str]) -> list[float]:
    """Return cumulative weights by the law of Zipf and Mandelbrot."""
    return list(accumulate(1 / (rank + 2.7) for rank in range(len(words))))
