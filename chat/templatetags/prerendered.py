"""Tags for what many pages show, or one page many times: rendered once, then filled."""

from __future__ import annotations

from collections.abc import Hashable
from uuid import UUID

from django import template
from django.conf import settings
from django.template import Context
from django.utils.safestring import SafeString

from chat.forms import MessageForm
from chat.page import poll_fragments
from chat.page.state import owner_fingerprint
from chat.rendering.prerender import prerendered, prerendered_list
from chat.services.conversation_list import ListItem, ListPart
from chat.services.sharing.links import is_on as sharing_is_on
from chat.services.site_notice import current_notice
from chat.templatetags.tag_context import account_of, as_given, included, is_oob

register = template.Library()


@register.simple_tag(name="prerendered")
def prerendered_template(name: str, **values: object) -> SafeString:
    """A template that reads the same on all pages in one language but for values."""
    return prerendered(name, {}, values)


@register.simple_tag(takes_context=True)
def sidebar_foot(context: Context) -> SafeString:
    """Settings, shortcuts and account, below the list of conversations."""
    account = account_of(context)
    return prerendered(
        "layout/_sidebar_foot.html",
        {"has_account": bool(account), "can_sign_up": context.get("can_sign_up")},
        {"username": account.username if account else ""},
    )


@register.simple_tag(takes_context=True)
def unread_count(context: Context) -> str:
    """How many conversations are unread, as the title of a page begins; or nothing."""
    listed = context.get("conversation_list")
    unread = listed.news.unread if isinstance(listed, ListPart) else ""
    return f"({unread}) " if unread else ""


@register.simple_tag(takes_context=True)
def heading(context: Context) -> SafeString:
    """The title of the conversation; of none, that it will be a new one."""
    shown = context.get("conversation")
    title = shown.title if shown else ""
    variant = {"is_oob": is_oob(context), "has_title": bool(title)}
    return prerendered("conversations/_heading.html", variant, {"title": title})


@register.simple_tag(takes_context=True)
def head_menu(context: Context) -> SafeString:
    """The menu of the conversation that the page shows, beside its title."""
    shown = context["page_state"].conversation
    if not shown:
        return SafeString()
    conversation = context.get("conversation")
    variant = {
        "is_oob": is_oob(context),
        "is_pinned": bool(conversation and conversation.is_pinned),
        "is_archived": bool(conversation and conversation.is_archived),
        "is_temporary": bool(conversation and conversation.is_temporary),
        "can_share": sharing_is_on(),
    }
    return prerendered("conversations/_head_menu.html", variant, {"pk": str(shown)})


@register.simple_tag(takes_context=True)
def archived_note(context: Context) -> SafeString:
    """That a conversation is archived or temporary; an empty place where it is not."""
    conversation = context["conversation"]
    return prerendered(
        "conversations/_archived_note.html",
        {
            "is_oob": is_oob(context),
            "is_archived": conversation.is_archived,
            "is_temporary": conversation.is_temporary,
            "minutes": int(settings.TEMPORARY_MINUTES),
        },
        {"pk": conversation.pk},
    )


@register.simple_tag(takes_context=True)
def palette(context: Context) -> SafeString:
    """The dialog of search and commands, which Ctrl+K opens."""
    shown = context["page_state"].conversation
    return prerendered(
        "search/_palette.html",
        {
            "has_conversation": bool(shown),
            "has_account": bool(account_of(context)),
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
        account_of(context),
    )
    meter = "composer/_context_meter.html"
    return prerendered(
        "composer/_composer.html",
        {
            "has_conversation": bool(shown),
            "has_account": bool(account),
            "is_editing": bool(shown and form.typed_instead_of),
            "is_temporary": not shown and form.is_temporary,
            "when_idle": form.is_for_idle_time,
            "can_attach": context["attached_files_max"] > 0,
        },
        {
            "conversation": shown.pk if shown else "",
            "person": owner_fingerprint(account.pk) if account else "",
            "csrf_token": context.get("csrf_token", ""),
            "key": form.typed_key,
            "instead_of": form.typed_instead_of,
            "text_field": text_field(form, is_in_app=True),
            "context_meter": included(context, meter) if shown else "",
            "max_characters": context["max_characters"],
            "attached_files_max": context["attached_files_max"],
            "stop_button": included(context, "replies/_stop_button.html"),
        },
    )


@register.simple_tag(takes_context=True)
def poller(context: Context) -> SafeString:
    """The element that polls; out of band where the context says so."""
    return poll_fragments.poller(as_given(context), is_oob=is_oob(context))


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
    given, state = as_given(context), context["page_state"]
    return poll_fragments.model_link(given, state, is_oob=is_oob(context))


@register.simple_tag(takes_context=True)
def workers_notice(context: Context) -> SafeString:
    """Why a message would not be answered at once."""
    return poll_fragments.workers_notice(as_given(context), is_oob=is_oob(context))


@register.simple_tag(takes_context=True)
def site_notice(context: Context) -> SafeString:
    """The sentence that operators show on every page."""
    snapshot = context.get("snapshot")
    notice = snapshot.notice if snapshot else current_notice()
    return poll_fragments.site_notice(notice, is_oob=is_oob(context))


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
            "is_pinned": item.conversation.is_pinned,
            "is_archived": item.conversation.is_archived,
            "can_share": sharing_is_on(),
        },
        {"pk": str(pk), "title": title, "heading": item.heading},
    )
