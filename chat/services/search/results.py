"""Searches an owner's titles and messages for all words, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from chat.models import Message, Passage
from chat.rendering.plain_text import without_marks
from chat.services.search.filters import FilterRefused, Filters, split_filters
from chat.services.search.index import find_passages
from chat.services.search.query_parser import ParsedQuery
from chat.services.search.snippets import SnippetPart, marked, snippet
from chatsite.search.folding import Folded

#: Hits on one page.
PAGE = 20
NEWEST = 2**63 - 1
#: Pages without a hit that one request reads: where filters fit to few, or where texts
#: contain all pairs of letters of a run but not the run itself.
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Hit:
    """A message or a title that was found."""

    conversation: UUID
    title: str
    #: None for a title.
    message: UUID | None
    #: The message before it: versions of a message have the same.
    parent: UUID | None
    is_from_user: bool
    snippet: tuple[SnippetPart, ...]
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Hits:
    """A page of hits."""

    hits: tuple[Hit, ...] = ()
    #: The ``before`` of the next page; None on the last page. There may be a next page
    #: after one with fewer hits, or none: filters may fit only to what is far back.
    more: int | None = None
    #: The query has only signs, such as ``€``, which the index does not contain.
    is_signs_only: bool = False
    #: What is wrong with a filter that was typed.
    problem: str = ""
    #: What was typed, which tells what to change where nothing is found.
    has_words: bool = True
    has_filters: bool = False


def search(
    owner: UUID | None,
    text: str,
    before: int | None = None,
    *,
    has_all_titles: bool = False,
    conversation: UUID | None = None,
) -> Hits:
    """Find at most ``PAGE`` messages and titles.

    A title is left out if a message of its conversation is found, unless
    ``has_all_titles``. Each word must occur, the last one at least as a prefix, and all
    filters must fit. A query without both, or without an owner, finds nothing. With
    ``conversation`` only its messages are found.
    """
    try:
        filters, words = split_filters(text)
    except FilterRefused as refused:
        return Hits(problem=str(refused))
    query = ParsedQuery.parse(words)
    if query is None and (words or filters == Filters()):
        return Hits(is_signs_only=bool(words))
    asked = Hits(has_words=bool(words), has_filters=filters != Filters())
    if owner is None:
        return asked
    query, filters = query or ParsedQuery(), replace(filters, conversation=conversation)
    for _ in range(ROUNDS):
        start = NEWEST if before is None else before
        found = find_passages(owner, query, filters, start, PAGE + 1)
        ids = found.ids[:PAGE]
        before = ids[-1] if len(found.ids) > PAGE else found.end
        hits = _hits(owner, query, ids, has_all_titles=has_all_titles)
        if hits or before is None:
            break
    return replace(asked, hits=hits, more=before)


def without_other_versions(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The first of all hits that are versions of one message: they look alike."""
    first: dict[object, Hit] = {}
    for hit in hits:
        place = hit.parent if hit.message else "title"
        first.setdefault((hit.conversation, place, hit.is_from_user), hit)
    return tuple(first.values())


def cursor(raw: str) -> int | None:
    """Parse the ``before`` of a URL. Raises ``ValueError``."""
    if not raw:
        return None
    is_number = raw.isascii() and raw.isdigit() and len(raw) <= len(str(NEWEST))
    if not is_number or int(raw) > NEWEST:
        raise ValueError("not a cursor of hits")
    return int(raw)


def _hits(
    owner: UUID, query: ParsedQuery, ids: list[int], *, has_all_titles: bool
) -> tuple[Hit, ...]:
    passages = (
        Passage.objects.filter(owner_id=owner, pk__in=ids)
        .select_related("conversation", "message")
        .defer("words", "conversation__settings")
        .order_by("-pk")
    )
    found = [(p, text) for p in passages if query.is_in(text := Folded.of(_text(p)))]
    # A title usually repeats the beginning of a message that was found as well.
    with_message = {p.conversation_id for p, _ in found if not p.is_title}
    return tuple(
        _hit(passage, text, query)
        for passage, text in found
        if has_all_titles
        or not passage.is_title
        or passage.conversation_id not in with_message
    )


def _text(passage: Passage) -> str:
    message = passage.message
    return passage.conversation.title if message is None else message.text


def _hit(passage: Passage, text: Folded, query: ParsedQuery) -> Hit:
    conversation, message = passage.conversation, passage.message
    if message is None:
        shown = marked(conversation.title, text, query)
    else:
        shown = _snippet(message, text, query)
    return Hit(
        conversation=conversation.pk,
        title=conversation.title,
        message=passage.message_id,
        parent=message.parent_id if message else None,
        is_from_user=message is not None and message.is_from_user,
        snippet=shown,
        said_at=(message or conversation).created_at,
    )


def _snippet(
    message: Message, text: Folded, query: ParsedQuery
) -> tuple[SnippetPart, ...]:
    """The part of a message that matches, of a reply without marks of Markdown.

    A word that only such a mark holds, as the address of a link, is shown as it is.
    """
    if not message.is_from_user:
        plain = without_marks(message.text)
        shown = snippet(plain, Folded.of(plain), query)
        if any(part.is_match for part in shown):
            return shown
    return snippet(message.text, text, query)
