"""Tokens become text in whole characters, without stop strings."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.engine.detokenizer import (
    REPLACEMENT_CHARACTER,
    IncrementalDetokenizer,
    ReplyText,
    StopStringFilter,
)
from worker.engine.model import LanguageModel


def decode_bytes(ids: Sequence[int]) -> str:
    """A tokenizer whose tokens are bytes."""
    return bytes(ids).decode("utf-8", errors="replace")


def shown(text: IncrementalDetokenizer, ids: Sequence[int]) -> list[str]:
    return [text.push(token) for token in ids]


@given(st.text())
def test_valid_text_is_decoded_completely(text: str) -> None:
    pieces = shown(IncrementalDetokenizer(decode_bytes), text.encode("utf-8"))
    assert "".join(pieces) == text.replace(REPLACEMENT_CHARACTER, "").replace("\0", "")


@given(st.text(), st.text())
def test_text_after_other_text_is_decoded_completely(before: str, text: str) -> None:
    detokenizer = IncrementalDetokenizer(decode_bytes, before.encode("utf-8")[-4:])
    pieces = shown(detokenizer, text.encode("utf-8"))
    assert "".join(pieces) == text.replace(REPLACEMENT_CHARACTER, "").replace("\0", "")


def test_only_a_text_that_begins_loses_its_first_space() -> None:
    """Where the decoder drops it, as SentencePiece does."""

    def decode(ids: Sequence[int]) -> str:
        return decode_bytes(ids).removeprefix(" ")

    assert shown(IncrementalDetokenizer(decode), b" ab") == ["", "a", "b"]
    assert shown(IncrementalDetokenizer(decode, b"bee"), b" ab") == [" ", "a", "b"]


@given(st.binary(max_size=200))
def test_invalid_bytes_never_show_a_replacement_character(data: bytes) -> None:
    pieces = shown(IncrementalDetokenizer(decode_bytes), data)
    valid = data.decode("utf-8", errors="ignore").replace("\0", "")
    assert "".join(pieces) == valid.replace(REPLACEMENT_CHARACTER, "")


def test_each_token_decodes_only_a_short_window() -> None:
    looked_at: list[int] = []

    def decode(ids: Sequence[int]) -> str:
        looked_at.append(len(ids))
        return decode_bytes(ids)

    shown(
        IncrementalDetokenizer(decode),
        "ä word and a 日本".encode() * 50 + b"\xff" * 500,
    )
    assert max(looked_at) < 24


@pytest.mark.parametrize("name", ["gpt2", "smollm2"])
@given(text=st.text(max_size=40))
def test_text_of_real_tokenizers_is_decoded_completely(
    request: pytest.FixtureRequest, name: str, text: str
) -> None:
    model: LanguageModel = request.getfixturevalue(name)
    ids = model.tokenizer.encode(text)
    pieces = shown(IncrementalDetokenizer(model.tokenizer.decode), ids)
    whole = model.tokenizer.decode(ids)
    assert "".join(pieces) == whole.replace(REPLACEMENT_CHARACTER, "").replace("\0", "")


def filtered(pieces: list[str], stops: Sequence[str]) -> list[str]:
    passing = StopStringFilter(stops)
    return [*(passing.push(piece) for piece in pieces), passing.finish()]


@pytest.mark.parametrize(
    ("pieces", "stops", "expected"),
    [
        (["Paris.\n", "Quest", "ion: why"], ["\nQuestion:"], ["Paris.", "", "", ""]),
        (["Paris.\nQ", "uiet"], ["\nQuestion:"], ["Paris.", "\nQuiet", ""]),
        (["Paris.\nQ"], ["\nQuestion:"], ["Paris.", "\nQ"]),
        (["aab"], ["ab"], ["a", ""]),
        (["a", "a", "b"], ["ab"], ["", "a", "", ""]),
        (["abcd"], ["abcd", "c"], ["ab", ""]),
        (["x"], [], ["x", ""]),
    ],
)
def test_stop_strings_end_the_text_and_are_not_shown(
    pieces: list[str], stops: list[str], expected: list[str]
) -> None:
    assert filtered(pieces, stops) == expected


LETTERS = st.text(alphabet="ab\n", max_size=12)
STOPS = st.lists(st.text(alphabet="ab\n", min_size=1, max_size=4), max_size=3)


def cut_at_first_stop(text: str, stops: list[str]) -> str:
    """A slow reference: look at the text letter by letter."""
    for end in range(len(text) + 1):
        ended = [stop for stop in stops if text[:end].endswith(stop)]
        if ended:
            return text[: end - max(map(len, ended))]
    return text


@given(st.lists(LETTERS, max_size=6), STOPS)
def test_the_result_does_not_depend_on_how_text_is_cut(
    pieces: list[str], stops: list[str]
) -> None:
    result = filtered(pieces, stops)
    whole = "".join(pieces)
    assert "".join(result) == cut_at_first_stop(whole, stops)


@given(st.lists(LETTERS, max_size=6), STOPS)
def test_shown_text_is_always_a_prefix_of_the_result(
    pieces: list[str], stops: list[str]
) -> None:
    final = cut_at_first_stop("".join(pieces), stops)
    so_far = ""
    passing = StopStringFilter(stops)
    for piece in pieces:
        so_far += passing.push(piece)
        assert final.startswith(so_far)


def test_leading_white_space_is_stripped_on_request() -> None:
    reply = ReplyText(decode_bytes, ["\nQ"], strip=True)
    assert (
        "".join(reply.push(b) for b in b" \n  Paris is\n nice.\nQ")
        == "Paris is\n nice."
    )
    assert reply.is_stopped


def test_a_stop_string_at_the_beginning_leaves_no_text() -> None:
    reply = ReplyText(decode_bytes, ["\nQ"], strip=True)
    assert "".join(reply.push(b) for b in b"\nQ") == ""
    assert reply.is_stopped


def test_half_a_character_at_the_end_is_dropped() -> None:
    reply = ReplyText(decode_bytes, [], strip=False)
    pieces = [reply.push(b) for b in "ok é".encode()[:-1]]
    assert "".join(pieces) + reply.finish() == "ok "


@pytest.mark.parametrize(
    ("before", "pieces", "expected"),
    [
        # The stop string begins in text that is shown: no more text follows.
        ("Paris.\nQues", ["tion:", " why"], ""),
        ("Paris.\nQues", ["t is long"], "t is long"),
        ("Paris.\nQues", [], ""),
        # A complete stop string in the old text is ignored.
        ("Paris.\nQuestion: a", ["b"], "b"),
        ("Paris.", ["\nQuestion:"], ""),
    ],
)
def test_a_stop_string_may_begin_in_the_text_that_is_continued(
    before: str, pieces: list[str], expected: str
) -> None:
    passing = StopStringFilter(["\nQuestion:"], before)
    text = "".join(passing.push(piece) for piece in pieces) + passing.finish()
    assert text == expected


@pytest.mark.parametrize(
    ("begun", "new", "expected"),
    [
        ("The cat", " sat", " sat"),
        ("The cat sa", "t", "t"),
        ("The cat ", " sat", "sat"),
        ("The cat ", "sat", "sat"),
        ("Done.\n\n", "\n\nThen", "Then"),
        ("Done.\n\n", " Then", "Then"),
        ("do:\n  ", "\n    go", "  go"),
        ("Done.\n", "\nQuestion:", ""),
        ("Done. ", " ", ""),
        ("Done. ", "", ""),
        # Without a text to continue, leading white space belongs to the template.
        ("", "  Yes", "Yes"),
        (" ", " Yes", "Yes"),
    ],
)
def test_white_space_of_the_continued_text_is_not_repeated(
    begun: str, new: str, expected: str
) -> None:
    for trim in (True, False):
        reply = ReplyText(decode_bytes, ["\nQuestion:"], strip=trim, begun=begun)
        text = "".join(reply.push(b) for b in new.encode()) + reply.finish()
        assert text == (expected if trim or begun else new)
