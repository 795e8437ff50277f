"""The API call that tells what remains of the limits."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router

from chat.accounts.guests import ensure_guest_cookie
from chat.api.access import Access
from chat.api.answers import answer
from chat.api.key_access import used_key
from chat.api.schemas import LimitsData
from chat.api.serializers import serialize_limit
from chat.page.context_limits import limits_context

router = Router(tags=["Limits"])


@router.get("/allowances", auth=Access(), response=LimitsData)
def allowances(request: HttpRequest) -> HttpResponse:
    """Tell what remains of the limits of the caller and of the caller's network.

    A program without cookies counts as a new guest, and gets a guest cookie.
    """
    found = limits_context(request)["limits"]
    left = LimitsData(allowances=[serialize_limit(one) for one in found])
    response = answer(left)
    if settings.GUESTS and used_key(request) is None:
        ensure_guest_cookie(request, response)
    return response
