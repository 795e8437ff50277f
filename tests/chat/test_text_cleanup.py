"""What people paste: line breaks of other programs, controls, indentation."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from chat.forms.preferences import LinesField
from chat.models import Conversation, Message, User
from chat.services.conversations import clean_title
from chat.services.errors import MessageRefused
from chat.services.message_text import clean_text
from chat.services.search.query_parser import ParsedQuery
from chat.text_cleanup import as_line, as_lines, without_blank_edges
from chatsite.mailbox import Mailbox

BREAKS = ["\n", "\r\n", *"\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"]
CONTROLS = "\0\x01\x08\x0e\x1b\x1f\x7f"
ODD = st.text(st.sampled_from("ab \t\n\u00a0\u3000" + "".join(BREAKS) + CONTROLS))


@pytest.mark.parametrize("mark", BREAKS, ids=ascii)
def test_a_pasted_line_break_stays_one(mark: str) -> None:
    text = f"one{mark}two"
    assert clean_text(text) == "one\ntwo"
    assert LinesField().clean(text) == "one\ntwo"
    assert LinesField(strip=False).clean(text) == "one\ntwo"
    assert clean_title(text) == "one two"
    assert ParsedQuery.parse(text) == ParsedQuery.parse("one two")


@pytest.mark.parametrize("mark", CONTROLS, ids=ascii)
def test_a_control_joins_no_words(mark: str) -> None:
    text = f"one{mark}two"
    assert clean_text(text) == LinesField().clean(text) == clean_title(text)
    assert as_line(text) == "one two"


@given(ODD)
def test_no_words_are_joined_and_a_second_time_changes_nothing(text: str) -> None:
    once = without_blank_edges(as_lines(text))
    assert without_blank_edges(as_lines(once)) == once
    assert re.findall("[ab]+", once) == re.findall("[ab]+", text)
    assert not set(once) & {*CONTROLS, *"".join(BREAKS)} - {"\n"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("    if x:\n        y()", "    if x:\n        y()"),
        ("\n \n\t\n\tpass\n\n", "\tpass"),
        ("\u3000\u65e5\u672c", "\u3000\u65e5\u672c"),
        ("one \n\n \n", "one"),
        (" \n\t \n", ""),
    ],
)
def test_indentation_stays_and_blank_lines_around_go(text: str, kept: str) -> None:
    assert without_blank_edges(text) == kept
    assert LinesField(required=False).clean(text) == kept


@pytest.mark.django_db
def test_the_same_paste_twice_is_the_same_message(
    owner: User, box: Mailbox, sent
) -> None:
    first = sent(owner, "  one\x0btwo\0three", key="k")
    assert sent(owner, "  one\x0btwo\0three", key="k").pk == first.pk
    assert sent(owner, "\n  one\r\ntwo three\n", key="k").pk == first.pk
    assert first.message.conversation.title == "one two three"
    with pytest.raises(MessageRefused):
        sent(owner, "one\ntwo three", key="k")


@pytest.mark.django_db
def test_page_and_api_keep_the_same(box: Mailbox) -> None:
    text = "  def f():\x0b\treturn\x0c1\u20282"
    client = Client()
    client.post("/send/", {"text": text, "key": "k"})
    client.post("/api/v1/messages", {"text": text}, "application/json")
    kept = Message.objects.filter(role="user").values_list("text", flat=True)
    assert [*kept] == ["  def f():\n\treturn\n1\n2"] * 2
    titles = Conversation.objects.values_list("title", flat=True)
    assert [*titles] == ["def f(): return 1 2"] * 2
