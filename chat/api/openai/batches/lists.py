"""One page of a list of files or batches, as its query asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, JsonResponse

from chat.api.openai.batches.objects import list_data, not_found, read_id
from chat.api.openai.errors import bad

PAGE_DEFAULT, PAGE_MAX = 20, 100
LIMIT = re.compile(r"[0-9]{1,5}")

M = TypeVar("M", bound=Model)


def list_page(
    request: HttpRequest,
    rows: QuerySet[M],
    prefix: str,
    data: Callable[[M], dict[str, Any]],
) -> JsonResponse:
    """Answer with ``limit`` rows after the one named by ``after``, newest first.

    Raises ``OpenAIError``.
    """
    is_ascending = _is_ascending(request)
    limit = _limit(request)
    if "after" in request.GET:
        rows = _after(rows, request.GET["after"], prefix, is_ascending=is_ascending)
    order = ("created_at", "pk") if is_ascending else ("-created_at", "-pk")
    found = list(rows.order_by(*order)[: limit + 1])
    page = [data(row) for row in found[:limit]]
    return JsonResponse(list_data(page, has_more=len(found) > limit))


def _after(
    rows: QuerySet[M], name: str, prefix: str, *, is_ascending: bool
) -> QuerySet[M]:
    last: Any = rows.filter(pk=read_id(name, prefix)).first()
    if last is None:
        raise not_found(prefix)
    way = "gt" if is_ascending else "lt"
    same = Q(created_at=last.created_at) & Q(**{f"pk__{way}": last.pk})
    return rows.filter(Q(**{f"created_at__{way}": last.created_at}) | same)


def _is_ascending(request: HttpRequest) -> bool:
    order = request.GET.get("order", "desc")
    if order not in ("asc", "desc"):
        raise bad("order", "order must be asc or desc.")
    return order == "asc"


def _limit(request: HttpRequest) -> int:
    raw = request.GET.get("limit", str(PAGE_DEFAULT))
    if not (LIMIT.fullmatch(raw) and 0 < int(raw) <= 10_000):
        raise bad("limit", "limit must be a whole number from 1 to 10000.")
    return min(int(raw), PAGE_MAX)
