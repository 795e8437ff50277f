"""The part of a message that a search shows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from chat.services.search.query_parser import ParsedQuery
from chat.services.search.snippets import SnippetPart, snippet
from chatsite.search.folding import Folded


def test_the_snippet_shows_where_most_words_stand_together() -> None:
    text = "rope " + "filler " * 60 + "the bowline holds a rope well " + "more " * 60
    typed = ParsedQuery.parse("rope bowline")
    assert typed is not None
    pieces = snippet(text, Folded.of(text), typed)
    assert [piece.text for piece in pieces if piece.is_match] == ["bowline", "rope"]
    assert (pieces[0], pieces[-1]) == (SnippetPart("…"), SnippetPart("…"))
    assert sum(len(piece.text) for piece in pieces) < 200


@given(text=st.text(), typed=st.text(min_size=1))
@settings(deadline=None)
def test_a_snippet_is_a_part_of_the_text_as_it_is(text: str, typed: str) -> None:
    read = ParsedQuery.parse(typed)
    if read is None:
        return
    whole = "".join(piece.text for piece in snippet(text, Folded.of(text), read))
    assert whole.removeprefix("…").removesuffix("…") in text
