"""Log probabilities survive the way from the engine to a reader."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatsite.logprobs import DIGITS, IMPOSSIBLE, TokenLogprobs, read_lines

CHANCES = st.tuples(st.binary(max_size=8), st.floats(-50, 0))


@given(
    st.lists(
        st.builds(
            lambda chosen, top: TokenLogprobs(*chosen, top=tuple(top)),
            CHANCES,
            st.lists(CHANCES, max_size=3),
        ),
        max_size=3,
    )
)
def test_lines_are_read_as_they_were_written(told: list[TokenLogprobs]) -> None:
    lines = "".join(one.to_line() for one in told)
    assert lines.isascii()
    read = read_lines(lines)
    assert [one.token for one in read] == [one.token for one in told]
    for one, other in zip(read, told, strict=True):
        pairs = zip((one, *one.top), (other, *other.top), strict=True)
        for (token, logprob), (expected, exact) in map(_chances, pairs):
            assert token == expected
            assert logprob == pytest.approx(exact, abs=10.0**-DIGITS)


def _chances(pair):  # type: ignore[no-untyped-def]
    return [
        (one.token, one.logprob) if isinstance(one, TokenLogprobs) else one
        for one in pair
    ]


def test_a_line_without_its_end_is_left_out() -> None:
    lines = TokenLogprobs(b"a", -1.0).to_line() + TokenLogprobs(b"b", -2.0).to_line()
    assert [one.token for one in read_lines(lines[:-1])] == [b"a"]
    assert read_lines("") == []


def test_what_cannot_come_has_a_number() -> None:
    (read,) = read_lines(TokenLogprobs(b"a", 0.0, ((b"b", -math.inf),)).to_line())
    assert read.top == ((b"b", IMPOSSIBLE),)
