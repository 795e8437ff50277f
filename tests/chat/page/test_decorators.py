"""The decorator of all views that get the state of a page."""

from __future__ import annotations

import uuid

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from chat.http.request import Request
from chat.page.decorators import with_page_state
from chat.page.state import PageState

CONVERSATION = uuid.UUID(int=1)


@with_page_state
def view(request: Request, page_state: PageState, name: str) -> HttpResponse:
    return HttpResponse(f"{name} {page_state.conversation} {page_state.change_counter}")


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_view_gets_the_state_that_the_request_carries(method: str) -> None:
    send = getattr(RequestFactory(), method)
    answer = view(send("/", {"c": str(CONVERSATION), "n": "7"}), name="a")  # type: ignore[arg-type]
    assert answer.content.decode() == f"a {CONVERSATION} 7"


def test_a_form_is_not_completed_from_its_address() -> None:
    request = RequestFactory().post(f"/?c={CONVERSATION}", {"n": "7"})
    assert view(request, name="a").content == b"a None 7"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "query", [{"c": "no id"}, {"r": "1:2"}, {"d": "-1"}, {"h": "1"}]
)
def test_an_invalid_state_is_answered_by_the_advice_to_reload(
    query: dict[str, str],
) -> None:
    answer = view(RequestFactory().post("/", query), name="a")  # type: ignore[arg-type]
    assert answer.status_code == 400
    assert answer.content == b"This page is out of date. Reload it."
