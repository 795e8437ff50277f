"""Random noise that depends on seed, position and token alone: Gumbel's distribution.

Added to the score of each token, it makes the largest sum win with the probability
softmax(scores): the Gumbel-max trick.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

#: Constants of SplitMix64.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
ELEVEN, TWENTY_SEVEN, THIRTY = (np.uint64(n) for n in (11, 27, 30))
THIRTY_ONE, THIRTY_THREE = np.uint64(31), np.uint64(33)


def random_keys(seeds: Sequence[int], positions: Ints) -> Words:
    """Return 64 pseudo-random bits for each seed and position, [rows]."""
    seed_words = np.array(seeds, dtype=np.int64).view(np.uint64)
    return splitmix64(splitmix64(seed_words) + positions.astype(np.uint64) * GOLDEN)


def gumbel_noise(keys: Words | np.uint64, tokens: Ints) -> Doubles:
    """Return the noise of some tokens; a key goes with each or with a row of them."""
    noise: Doubles = -np.log(-np.log(uniform(keys, tokens)))
    return noise


def bounds_of(least: Doubles) -> Words:
    """Return what the random bits of a token reach if its noise is at least so much.

    ``least``: [keys]. Some noise that is a little less reaches it too: the upper 31
    bits are compared, which the last step of SplitMix64 leaves as they are.
    """
    shares = np.exp(-np.exp(-least))
    upper = np.maximum(0, (shares * 2**31).astype(np.int64) - 1)
    return upper.astype(np.uint64) << THIRTY_THREE


def tokens_with_noise(
    keys: Words, vocabulary: int, least: Doubles
) -> tuple[Ints, Ints]:
    """Return all tokens whose noise is at least ``least``, and perhaps a few others.

    ``keys``, ``least``: [keys]. Returns for each token found the place of its key, in
    rising order, and the token: [found]. Takes a tenth of the time of their noise: one
    comparison of the random bits.
    """
    found = [
        np.flatnonzero(_first_bits(key, vocabulary) >= bound)
        for key, bound in zip(keys, bounds_of(least), strict=True)
    ]
    places = np.repeat(np.arange(len(keys)), [len(tokens) for tokens in found])
    return places, np.concatenate(found)


def _first_bits(key: np.uint64, vocabulary: int) -> Words:
    """Return random bits of all tokens; the upper 31 are those of their noise."""
    words = _token_words(vocabulary) ^ (key ^ (key >> THIRTY))
    words *= FIRST_FACTOR
    words ^= words >> TWENTY_SEVEN
    words *= SECOND_FACTOR
    return words


@lru_cache(maxsize=4)
def _token_words(vocabulary: int) -> Words:
    """Return what ``uniform`` computes of the tokens before it takes a key.

    Shifting and exclusive or can change places, so the first step of SplitMix64 of a
    token and a key is that of the token with that of the key.
    """
    words = np.arange(vocabulary, dtype=np.uint64) * GOLDEN
    words ^= words >> THIRTY
    words.setflags(write=False)
    return words


def uniform(keys: Words | np.uint64, tokens: Ints) -> Doubles:
    """Return numbers between 0 and 1 that depend on key and token alone."""
    bits = splitmix64(keys ^ (tokens.astype(np.uint64) * GOLDEN))
    return ((bits >> ELEVEN).astype(np.float64) + 0.5) * 2.0**-53


def splitmix64(words: Words) -> Words:
    """Apply the finaliser of SplitMix64; products wrap around.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014.
    """
    words = (words ^ (words >> THIRTY)) * FIRST_FACTOR
    words = (words ^ (words >> TWENTY_SEVEN)) * SECOND_FACTOR
    return words ^ (words >> THIRTY_ONE)
