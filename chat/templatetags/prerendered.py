"""Tags for what many pages show, or one page many times: rendered once, then filled."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import cache
from typing import Any
from uuid import UUID

from django import template
from django.template import Context, Engine
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from chat.forms import MessageForm
from chat.models import Message, Reply, User
from chat.page import poll_fragments
from chat.page.messages import ShownMessage
from chat.page.state import owner_fingerprint
from chat.rendering.markdown import render
from chat.rendering.prerender import prerendered, prerendered_list
from chat.rendering.user_message import message_html
from chat.services.conversation_list import ListItem, ListPart
from chat.services.reply_versions import can_resume
from chat.templatetags.words import model_label, when
from chat.wording.replies import summary
from chatsite import wire
from chatsite.catalog import CatalogError
from chatsite.model_choice import current_catalog

register = template.Library()


@register.simple_tag(name="prerendered")
def prerendered_template(name: str, **values: object) -> SafeString:
    """A template that reads the same on all pages in one language but for values."""
    return prerendered(name, {}, values)


@register.simple_tag(takes_context=True)
def sidebar_foot(context: Context) -> SafeString:
    """Settings, shortcuts and account, below the list of conversations."""
    account = _account(context)
    return prerendered(
        "layout/_sidebar_foot.html",
        {"has_account": bool(account), "can_sign_up": context.get("can_sign_up")},
        {"username": account.username if account else ""},
    )


@register.simple_tag(takes_context=True)
def heading(context: Context) -> SafeString:
    """The title of the conversation; of none, that it will be a new one."""
    shown = context.get("conversation")
    title = shown.title if shown else ""
    variant = {"is_oob": _is_oob(context), "has_title": bool(title)}
    return prerendered("conversations/_heading.html", variant, {"title": title})


@register.simple_tag(takes_context=True)
def head_menu(context: Context) -> SafeString:
    """The menu of the conversation that the page shows, beside its title."""
    shown = context["page_state"].conversation
    if not shown:
        return SafeString()
    return prerendered("conversations/_head_menu.html", {}, {"pk": str(shown)})


@register.simple_tag(takes_context=True)
def palette(context: Context) -> SafeString:
    """The dialog of search and commands, which Ctrl+K opens."""
    shown = context["page_state"].conversation
    return prerendered(
        "search/_palette.html",
        {
            "has_conversation": bool(shown),
            "has_account": bool(_account(context)),
            "can_sign_up": context.get("can_sign_up"),
        },
        {"conversation": str(shown)},
    )


@register.simple_tag(takes_context=True)
def menu_form(context: Context) -> SafeString:
    """The form to which the buttons of all menus of the list belong."""
    state = context.get("page_state")
    conversation = state.conversation if state else None
    return prerendered(
        "conversations/_menu_form.html",
        {"has_conversation": bool(conversation)},
        {"conversation": conversation, "csrf_token": context.get("csrf_token", "")},
    )


@register.simple_tag
def text_field(form: MessageForm, *, is_in_app: bool = False) -> SafeString:
    """The field for a message, and why it was refused."""
    return prerendered(
        "composer/_text_field.html",
        {"is_in_app": is_in_app, "has_error": bool(form.error)},
        {"text": form.typed_text, "error": form.error},
    )


@register.simple_tag(takes_context=True)
def composer(context: Context) -> SafeString:
    """The form in which messages are written."""
    form, shown, account = (
        context["form"],
        context.get("conversation"),
        _account(context),
    )
    meter = "composer/_context_meter.html"
    return prerendered(
        "composer/_composer.html",
        {
            "has_conversation": bool(shown),
            "has_account": bool(account),
            "is_editing": bool(shown and form.typed_instead_of),
            "can_attach": context["attached_files_max"] > 0,
        },
        {
            "conversation": shown.pk if shown else "",
            "person": owner_fingerprint(account.pk) if account else "",
            "csrf_token": context.get("csrf_token", ""),
            "key": form.typed_key,
            "instead_of": form.typed_instead_of,
            "text_field": text_field(form, is_in_app=True),
            "context_meter": _included(context, meter) if shown else "",
            "max_characters": context["max_characters"],
            "attached_files_max": context["attached_files_max"],
            "stop_button": _included(context, "replies/_stop_button.html"),
        },
    )


@register.simple_tag(takes_context=True)
def poller(context: Context) -> SafeString:
    """The element that polls; out of band where the context says so."""
    return poll_fragments.poller(_as_given(context), is_oob=_is_oob(context))


@register.simple_tag(takes_context=True)
def text_appends(context: Context) -> SafeString:
    """New text of the page's replies, and their status."""
    appends = context["delta"].text_appends
    return poll_fragments.text_appends(appends, context["snapshot"], context["label"])


@register.simple_tag(takes_context=True)
def reply_status(context: Context) -> SafeString:
    """The status of a pending reply, within it."""
    status, snapshot, label = (context[it] for it in ("status", "snapshot", "label"))
    return poll_fragments.reply_status(status, snapshot, label, is_oob=False)


@register.simple_tag(takes_context=True)
def model_link(context: Context) -> SafeString:
    """The model of the page and the state of its workers."""
    given, state = _as_given(context), context["page_state"]
    return poll_fragments.model_link(given, state, is_oob=_is_oob(context))


@register.simple_tag(takes_context=True)
def workers_notice(context: Context) -> SafeString:
    """Why a message would not be answered at once."""
    return poll_fragments.workers_notice(_as_given(context), is_oob=_is_oob(context))


register.simple_tag(poll_fragments.cursor_fields)


@register.simple_tag(takes_context=True)
def text_growth(context: Context) -> SafeString:
    """The text so far of a pending reply, for the script to put in place."""
    return poll_fragments.text_growth(context.get("growth"), is_oob=False)


@register.simple_tag(takes_context=True)
def conversation_items(context: Context, listed: ListPart) -> SafeString:
    """The entries of a part of the list of conversations, with headings and menus."""
    page_state = context.get("page_state")
    current = page_state.conversation if page_state else None
    return prerendered_list(
        "conversations/_list_item.html", (_item(item, current) for item in listed.items)
    )


def _item(
    item: ListItem, current: UUID | None
) -> tuple[dict[str, Hashable], dict[str, object]]:
    pk, title = item.conversation.pk, item.conversation.title
    return (
        {
            "badge": item.badge,
            "is_current": pk == current,
            "has_heading": bool(item.heading),
        },
        {"pk": str(pk), "title": title, "heading": item.heading},
    )


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
        {"is_oob": _is_oob(context)},
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
        body = _included_for(context, "replies/_pending.html", shown)
    else:
        body = _finished(context, shown)
    return prerendered(
        "replies/_reply.html",
        {
            "is_oob": _is_oob(context),
            "is_pending": status is not None,
            "state": str(status.state if status else row.state),
            "is_in_batch": shown.is_in_batch,
            "is_chosen": shown.is_chosen,
            "has_text": bool(message.text),
            "has_versions": versions is not None,
            "can_resume": status is None and can_resume(row),
            "versions_at_once": context.get("versions_at_once"),
        },
        {
            "pk": str(row.pk),
            "label": label,
            "model_class": model_class,
            "made": "" if status else _made(row),
            "body": body,
            "text": message.text,
            "versions": "" if status else _versions(context, shown),
            "count": versions.count if versions else 0,
            "csrf_token": context.get("csrf_token", ""),
        },
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
    notes = _included_for(context, "replies/_notes.html", shown)
    return mark_safe(text + notes)  # noqa: S308  # both are


def _as_given(context: Context) -> Any:
    """The context as a view has given it: a dictionary of known keys."""
    return context


def _account(context: Context) -> User | None:
    """The account that is logged in; None for a guest or an anonymous visitor."""
    user = context.get("user")
    return user if isinstance(user, User) and not user.is_guest else None


def _is_oob(context: Context) -> bool:
    return bool(context.get("is_oob"))


def _included(context: Context, name: str) -> SafeString:
    """The template ``name`` as ``{% include %}`` gives it."""
    return Engine.get_default().get_template(name).render(context)


def _included_for(context: Context, name: str, shown: ShownMessage) -> SafeString:
    """The template ``name`` for one reply."""
    with context.push(
        message=shown.message,
        reply=shown.message.reply,
        status=shown.status,
        growth=shown.growth,
        versions=shown.versions,
    ):
        return _included(context, name)


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
