"""What a page carries of growing replies, and what a poll makes of it."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.http import QueryDict

from chat.page.growing_text import ShownText, growth_of
from chat.page.poll_fragments import cursor_fields
from chat.page.state import InvalidPageState, PageState
from chat.rendering.markdown.text_state import TextState
from chat.services.jobs.reply_status import ReplyStatus
from chatsite import wire
from tests.dom import dom

REPLY = UUID(int=1)
#: gunicorn refuses a longer one (launch/gunicorn_config.py).
REQUEST_LINE_MAX = 8190


def running(text: str, offset: int = 0) -> ReplyStatus:
    length = offset + len(text.encode())
    return ReplyStatus(
        REPLY, wire.State.RUNNING, run=2, offset=offset, length=length, text=text
    )


def query_of(state: PageState) -> str:
    fields = dom(cursor_fields(state)).all("input")
    return urlencode([(field["name"], field["value"]) for field in fields])


def test_the_poller_carries_where_the_tail_begins_and_which_blocks_are_open() -> None:
    growth = growth_of(running("Ünïcödé\n\n- a\n- b <c>\n- d"))
    assert growth.cursor == (str(REPLY), 2, len("Ünïcödé\n\n- a\n".encode()))
    state = PageState(cursors=(growth.cursor,), texts=(growth.shown,))
    sent = PageState.from_query(QueryDict(query_of(state)))
    assert (sent.cursors, sent.texts) == (state.cursors, state.texts)
    assert sent.shown_texts == state.texts


def test_a_reply_of_which_a_page_says_nothing_shows_no_text() -> None:
    state = PageState(cursors=((str(REPLY), 0, 0),))
    assert state.shown_texts == (ShownText(str(REPLY)),)


@pytest.mark.parametrize("text", ["", "1", "x:1:", "{}:1", "{}:-1:", "{}:1:[]", "{}::"])
def test_a_malformed_text_is_refused(text: str) -> None:
    query = QueryDict(urlencode({"t": text.replace("{}", str(REPLY))}))
    with pytest.raises(InvalidPageState):
        PageState.from_query(query)


def test_the_longest_poll_has_a_url_that_the_web_server_takes() -> None:
    ids = [str(uuid4()) for _ in range(settings.VERSIONS_AT_ONCE_MAX)]
    state = TextState(lead="é" * 122)
    assert state.is_small
    assert not TextState(lead="é" * 124).is_small
    page = PageState(
        cursors=tuple((pk, 10, 10**6) for pk in ids),
        texts=tuple(ShownText(pk, 10**6, state) for pk in ids),
    )
    assert len(query_of(page)) < REQUEST_LINE_MAX - 1000
