"""The API call that searches."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router

from chat.api.access import Access
from chat.api.answers import answer
from chat.api.cursors import Cursor
from chat.api.errors import BAD_CURSOR
from chat.api.schemas import SearchPage
from chat.api.serializers import serialize_hits
from chat.http.api_errors import ApiError
from chat.http.request import owner_id
from chat.services.search import results

#: Where a search looks.
InConversation = Annotated[
    UUID | None, Query(description="Only the messages of this conversation.")
]
router = Router(tags=["Search"])


@router.get("/search", auth=Access("can_read_history"), response=SearchPage)
def search(
    request: HttpRequest,
    cursor: Cursor,
    q: str = "",
    conversation: InConversation = None,
) -> HttpResponse:
    """Find titles and messages with all words and filters of ``q``, newest first."""
    try:
        before = results.cursor(cursor)
    except ValueError:
        raise BAD_CURSOR from None
    owner = owner_id(request)
    hits = results.search(owner, q, before, conversation=conversation)
    if hits.problem:
        raise ApiError(422, "bad_filter", hits.problem, parameter="q")
    if hits.is_signs_only:
        said = _("Search looks for letters and digits. Put one into q.")
        raise ApiError(422, "no_words", said, parameter="q")
    return answer(serialize_hits(request, q, hits, conversation))
