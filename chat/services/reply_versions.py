"""Further versions of a reply: retry, variants, regenerate exactly, continue.

The old reply stays, reachable as another version. All requests here may be repeated:
while a reply to the message is unfinished, no further one is created.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import Conversation, Message, Reply, tree
from chat.models.reply_queryset import FAILED_OR_STOPPED
from chat.services.effective_settings import capped_reply_tokens, effective_settings
from chat.services.errors import MessageRefused
from chat.services.jobs.publish import publish_queued
from chat.services.limits.admission import admit
from chat.services.messages import claim_not_deleted
from chat.services.new_replies import create_reply, new_seed
from chat.services.notify import notify_pages
from chat.services.used_key import call_field
from chatsite import wire
from chatsite.catalog import CatalogError
from chatsite.model_choice import model_entry
from chatsite.sampling_settings import MAX_NEW_TOKENS


def retry(reply: Reply) -> Reply:
    """Create a new reply in place of one that failed or was stopped.

    Returns the reply itself if it is done, and a newer one that is done: a request that
    is repeated creates no third reply. Raises ``MessageRefused``.
    """
    if reply.state not in FAILED_OR_STOPPED:
        return reply
    found = _newer_done(reply)
    return found or _create_replies(reply, when_idle=reply.when_idle)


def _newer_done(old: Reply) -> Reply | None:
    """The newest done reply to the same message after ``old``, put on the path.

    Replies that were requested together with ``old`` do not count.
    """
    message = old.message
    newer = Reply.objects.with_path().filter(
        state=wire.State.DONE,
        message__parent=message.parent_id,
        message__created_at__gt=message.created_at,
    )
    if old.batch:
        newer = newer.exclude(batch=old.batch)
    found = newer.order_by("-message__created_at").first()
    if found is None or message.parent_id is None:
        return None
    with transaction.atomic():
        _show(found.message, claim_not_deleted(message.conversation_id))
    return found


def vary(reply: Reply, count: int = 1) -> Reply:
    """Create ``count`` variants at once, each with a seed of its own.

    Returns the first one. Raises ``MessageRefused``.
    """
    most = settings.VERSIONS_AT_ONCE_MAX
    if not 1 <= count <= most:
        said = ngettext(
            "Ask for 1 to %(count)s reply at once.",
            "Ask for 1 to %(count)s replies at once.",
            most,
        )
        raise MessageRefused("bad_count", said % {"count": most})
    return _create_replies(reply, count=count, is_varied=True)


def repeat(reply: Reply) -> Reply:
    """Generate a reply again exactly as it was: model, settings, instructions, seed.

    Raises ``MessageRefused``.
    """
    begun = reply.message.text[: reply.continued_characters]
    return _create_replies(reply, text=begun, **_as_it_was(reply))


def can_resume(reply: Reply) -> bool:
    """Whether a reply was cut off, by its token limit or by a user."""
    was_cut = reply.is_length_limited or reply.state == wire.State.STOPPED
    return reply.is_terminal and was_cut and bool(reply.message.text)


def resume(reply: Reply) -> Reply:
    """Create a reply that continues this one; returns this one if it was not cut off.

    Raises ``MessageRefused``.
    """
    if not can_resume(reply):
        return reply
    # With the same seed it continues as if it had never been cut off.
    return _create_replies(
        reply,
        text=reply.message.text,
        when_idle=reply.when_idle,
        **_as_it_was(reply),
    )


def _as_it_was(reply: Reply) -> dict[str, Any]:
    """The fields that a reply was generated with. Raises ``MessageRefused``."""
    _check_offered(reply.model)
    # Replies of other programs have no settings.
    wanted = reply.settings.get(MAX_NEW_TOKENS.name, MAX_NEW_TOKENS.default)
    length = capped_reply_tokens(wanted)
    return {
        "model": reply.model,
        "is_model_picked": True,
        "settings": {**reply.settings, "max_new_tokens": length},
        "seed": reply.seed,
        "instructions": reply.instructions,
    }


def _create_replies(
    old: Reply,
    *,
    count: int = 1,
    is_varied: bool = False,
    when_idle: bool = False,
    text: str = "",
    **fields: Any,
) -> Reply:
    """Create replies to the message of ``old`` and return the first.

    ``text`` is the beginning that they continue, ``fields`` those of their rows. Varied
    replies differ even if a user fixed the seed.
    """
    if not old.is_terminal:
        return old
    with transaction.atomic():
        conversation = claim_not_deleted(old.message.conversation_id)
        message = old.message.parent
        if message is None:
            return old
        if found := _unfinished_version(old, message):
            return _shown(found, conversation)
        caller = old.message.conversation.owner
        if caller.used_key is not None:
            conversation.owner = caller
        chosen = effective_settings(conversation.owner, conversation)
        model = fields.get("model") or chosen.entry.name
        admit(conversation.owner, None, model, count, is_message=False)
        is_held = conversation.has_unfinished(message.pk)
        if count > 1:
            fields["batch"] = uuid.uuid4()
        call = call_field(conversation.owner, old.call, when_idle=when_idle)
        row = {"is_held": is_held, "text": text, "call": call, **fields}
        seeds = [{"seed": new_seed()} if is_varied else {} for _ in range(count)]
        fresh = [create_reply(message, chosen, **{**row, **seed}) for seed in seeds]
        _put_on_path(fresh[0].message, old, conversation)
        transaction.on_commit(lambda: publish_queued(fresh), robust=True)
        return fresh[0]


def _shown(reply: Reply, conversation: Conversation) -> Reply:
    """A reply that exists already, put on the path that pages show."""
    _show(reply.message, conversation)
    transaction.on_commit(lambda: notify_pages(conversation.owner_id), robust=True)
    return reply


def _unfinished_version(old: Reply, message: Message) -> Reply | None:
    """The first unfinished reply to ``message``, which a repeated request returns."""
    unfinished = Reply.objects.unfinished().with_path().filter(message__parent=message)
    if old.batch and old.state in FAILED_OR_STOPPED:
        # Replies of the same batch do not answer a retry of this one.
        unfinished = unfinished.exclude(batch=old.batch)
    return unfinished.order_by("message__created_at").first()


def _put_on_path(new: Message, old: Reply, conversation: Conversation) -> None:
    """Put the new reply on the path.

    If the old one failed or was stopped, the messages after it follow the new one.
    """
    if old.state in FAILED_OR_STOPPED:
        Message.objects.filter(parent=old.message).update(parent=new)
    _show(new, conversation)


def _show(new: Message, conversation: Conversation) -> None:
    if new.pk not in conversation.path_ids():
        conversation.active_leaf_id = tree.newest_leaf(new.pk)
        conversation.save(update_fields=["active_leaf", "updated_at"])


def _check_offered(model: str) -> None:
    try:
        model_entry(model)
    except CatalogError:
        raise MessageRefused(
            "unknown_model",
            _(
                "%(model)s is no longer offered, so this reply can’t be re-run."
                " Regenerate it instead."
            )
            % {"model": model},
        ) from None


def choose(message: Message) -> None:
    """Put ``message`` on the path, and after it the newest messages.

    Raises ``MessageRefused`` if the conversation was deleted.
    """
    with transaction.atomic():
        conversation = claim_not_deleted(message.conversation_id)
        if message.pk in conversation.path_ids():
            return
        conversation.active_leaf_id = tree.newest_leaf(message.pk)
        # Choosing a version does not move the conversation in the list.
        conversation.save(update_fields=["active_leaf"])
    notify_pages(conversation.owner_id)
