"""The decorator of all views that get the state of a page."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from chat.http.page_version import PAGE_VERSION
from chat.http.request import Request
from chat.page.decorators import with_page_state
from chat.page.state import PageState

CONVERSATION = uuid.UUID(int=1)
both_methods = pytest.mark.parametrize("method", ["get", "post"])


@with_page_state
def view(
    request: Request, page_state: PageState, name: str, **given: Any
) -> HttpResponse:
    said = f"{name} {page_state.conversation} {page_state.change_counter}"
    return HttpResponse(said, **given)


def call(
    method: str, query: dict[str, str], path: str = "/", *, htmx: bool = False
) -> Request:
    request: Any = getattr(RequestFactory(), method)(path, query)
    request.htmx = htmx
    return request  # type: ignore[no-any-return]


@both_methods
def test_a_view_gets_the_state_that_the_request_carries(method: str) -> None:
    answer = view(call(method, {"c": str(CONVERSATION), "n": "7"}), name="a")
    assert answer.content.decode() == f"a {CONVERSATION} 7"


def test_a_form_is_not_completed_from_its_address() -> None:
    request = call("post", {"n": "7"}, f"/?c={CONVERSATION}")
    assert view(request, name="a").content == b"a None 7"


@both_methods
@pytest.mark.parametrize("version", [{}, {"v": "1"}])
def test_a_page_of_another_release_loads_again(
    method: str, version: dict[str, str]
) -> None:
    answer = view(call(method, version, htmx=True), name="a")
    assert answer.headers["HX-Refresh"] == "true"
    assert answer.content == b""


@both_methods
def test_a_page_of_this_release_or_without_a_script_gets_its_answer(
    method: str,
) -> None:
    for request in (
        call(method, {"v": PAGE_VERSION}, htmx=True),
        call(method, {}, htmx=False),
    ):
        assert view(request, name="a").content == b"a None "


@pytest.mark.parametrize(
    "given", [{"status": 422}, {"headers": {"HX-Redirect": "/c/1/"}}]
)
def test_a_page_of_another_release_is_refused_and_led_on_as_any(
    given: dict[str, Any],
) -> None:
    answer = view(call("post", {}, htmx=True), name="a", **given)
    assert answer.content == b"a None "


@pytest.mark.parametrize(
    "query", [{"c": "no id"}, {"r": "1:2"}, {"d": "-1"}, {"h": "1"}]
)
def test_an_invalid_state_is_answered_by_the_advice_to_reload(
    query: dict[str, str],
) -> None:
    answer = view(call("post", query), name="a")
    assert answer.status_code == 400
    assert answer.content == b"This page is out of date. Reload it."
