"""Tags for messages and replies, of which one page shows many."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from chat.forms import new_key
from chat.models import Message, Origin, Reply
from chat.page.messages import ShownMessage
from chat.rendering.markdown import render
from chat.rendering.prerender import prerendered
from chat.rendering.user_message import message_html
from chat.services.reply_versions import can_resume
from chat.templatetags.tag_context import included, is_oob
from chat.templatetags.words import model_label, when
from chat.wording.replies import summary
from chatsite import wire
from chatsite.catalog import CatalogError
from chatsite.model_choice import current_catalog

register = template.Library()


@register.simple_tag(takes_context=True)
def messages(context: Context, shown_messages: Iterable[ShownMessage]) -> SafeString:
    """Messages of the user and replies, pending or finished, one after the other."""
    # Both ask the disk whether the catalogue changed.
    label_of, class_of = cache(model_label), cache(_model_class)
    html = [
        _user_message(context, shown)
        if shown.message.is_from_user
        else _reply(
            context,
            shown,
            label_of(shown.message.reply.model),
            class_of(shown.message.reply.model),
        )
        for shown in shown_messages
    ]
    return mark_safe("\n".join(html))  # noqa: S308  # each of them is


def _user_message(context: Context, shown: ShownMessage) -> SafeString:
    message = shown.message
    return prerendered(
        "messages/_user_message.html",
        {"is_oob": is_oob(context)},
        {
            "pk": message.pk,
            "conversation": message.conversation_id,
            "text": message_html(message.text),
            "versions": _versions(context, shown),
            "when": when(message.created_at),
        },
    )


def _model_class(name: str) -> str:
    """``model-2`` for a model by its place in the catalogue; empty for any other.

    By it, styles show the name of a model above a reply only where it changes.
    """
    try:
        names = [*current_catalog().models]
    except CatalogError:
        return ""
    return f"model-{names.index(name)}" if name in names else ""


def _reply(
    context: Context, shown: ShownMessage, label: str, model_class: str
) -> SafeString:
    message, status, versions = shown.message, shown.status, shown.versions
    row = message.reply
    if status:
        body = _included_with(context, "replies/_pending.html", shown)
    else:
        body = _finished(context, shown)
    return prerendered(
        "replies/_reply.html",
        {
            "is_oob": is_oob(context),
            "is_pending": status is not None,
            "state": str(status.state if status else row.state),
            "is_in_batch": shown.is_in_batch,
            "is_chosen": shown.is_chosen,
            "has_text": bool(message.text),
            "has_versions": versions is not None,
            "can_resume": status is None and can_resume(row),
            "has_rating": bool(row.rating),
            "is_edited": row.origin == Origin.EDITED,
            "versions_at_once": context.get("versions_at_once"),
        },
        {
            "pk": str(row.pk),
            "label": label,
            "model_class": model_class,
            "made": "" if status else _made(row),
            "body": body,
            "thumbs": "" if status else thumbs(row),
            "text": message.text,
            "versions": "" if status else _versions(context, shown),
            "count": versions.count if versions else 0,
            "fork_key": "" if status else new_key(),
            "csrf_token": context.get("csrf_token", ""),
        },
    )


@register.simple_tag(name="thumbs")
def thumbs(row: Reply, *, is_oob: bool = False) -> SafeString:
    """The buttons that rate a reply, of which one may be pressed."""
    return prerendered(
        "replies/_thumbs.html",
        {"rating": row.rating, "is_oob": is_oob},
        {"pk": str(row.pk)},
    )


def _made(row: Reply) -> SafeString:
    """How long a reply took, how long it is, and when it ended."""
    ended = when(row.finished_at or row.message.created_at)
    made = summary(row)
    if not made:
        return ended
    return format_html('<span class="summary">{} · </span>{}', made, ended)


@register.simple_tag(takes_context=True)
def finished_text(context: Context, message: Message) -> SafeString:
    """The text of a finished reply, and notes about its end."""
    return _finished(context, ShownMessage(message))


def _finished(context: Context, shown: ShownMessage) -> SafeString:
    message, row, text = shown.message, shown.message.reply, SafeString()
    if message.text:
        text = prerendered("replies/_text.html", {}, {"html": render(message.text)})
    is_done = row.state == wire.State.DONE
    if is_done and text and not row.cut_tokens and not row.is_length_limited:
        return text
    notes = _included_with(context, "replies/_notes.html", shown)
    return mark_safe(text + notes)  # noqa: S308  # both are


def _versions(context: Context, shown: ShownMessage) -> SafeString:
    """The way to the other versions of a message; empty where it has none."""
    message, versions = shown.message, shown.versions
    if versions is None or versions.count < 2:
        return SafeString()
    others = {"previous": versions.previous, "next": versions.next}
    return prerendered(
        "messages/_versions.html",
        {},
        {
            **{name: pk for name, pk in others.items() if pk},
            "number": versions.number,
            "count": versions.count,
            "parent": message.parent_id or message.conversation_id,
            "csrf_token": context.get("csrf_token", ""),
        },
    )


def _included_with(context: Context, name: str, shown: ShownMessage) -> SafeString:
    """The template ``name`` for one reply."""
    with context.push(
        message=shown.message,
        reply=shown.message.reply,
        status=shown.status,
        growth=shown.growth,
        versions=shown.versions,
    ):
        return included(context, name)
