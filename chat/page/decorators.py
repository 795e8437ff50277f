"""What all views do that get the state of a page: parse it, or refuse it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRefresh

from chat.http.request import Request
from chat.page.state import InvalidPageState, PageState

Arguments = ParamSpec("Arguments")


def with_page_state(
    view: Callable[Concatenate[Request, PageState, Arguments], HttpResponse],
) -> Callable[Concatenate[Request, Arguments], HttpResponse]:
    """Pass the ``PageState`` of the form or query as the second argument of a view.

    A page whose state is invalid is answered with 400 and the advice to reload it. One
    that another release has made loads again, with what the request did.
    """

    @wraps(view)
    def parsed(
        request: Request, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponse:
        query = request.POST if request.method == "POST" else request.GET
        try:
            page_state = PageState.from_query(query)
        except InvalidPageState:
            return HttpResponse(_("This page is out of date. Reload it."), status=400)
        is_current = page_state.is_current or not request.htmx
        if not is_current and request.method == "GET":
            return HttpResponseClientRefresh()
        response = view(request, page_state, *args, **kwargs)
        is_done = response.status_code < HTTPStatus.BAD_REQUEST
        if not is_current and is_done and "HX-Redirect" not in response.headers:
            return HttpResponseClientRefresh()
        return response

    return parsed
