"""Another reply to a prompt: tried again, as a variant, run again, or gone on with.

The old reply stays where it is, reachable as another version. All of these are harmless
to repeat: while a reply to the prompt is to come, there is no further one.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import Conversation, Message, Reply, tree
from chat.models.reply import WENT_WRONG
from chat.services.effective_settings import capped_reply_tokens, effective_settings
from chat.services.errors import MessageRefused
from chat.services.jobs.publish import publish
from chat.services.limits.admission import admit
from chat.services.messages import await_reply, claim_not_deleted, new_seed
from chat.services.notify import notify_pages
from chatsite import wire
from chatsite.catalog import CatalogError
from chatsite.model_choice import model_entry


def retry(reply: Reply) -> Reply:
    """A new reply in place of one that failed or was stopped; one that went well
    stays, and is returned. So is a newer one that went well: asked for again, because
    the answer was lost or the page is old, there is no third. Raises
    ``MessageRefused``."""
    if reply.state not in WENT_WRONG:
        return reply
    return _done_since(reply) or _answer(reply)


def _done_since(old: Reply) -> Reply | None:
    """The newest good reply to the same prompt that came after ``old``, led through.
    Those that were asked for together with it do not take its place."""
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
    """``count`` new replies at once, each a variant with its own seed; the first of
    them. Raises ``MessageRefused``."""
    most = settings.VERSIONS_AT_ONCE_MAX
    if not 1 <= count <= most:
        said = ngettext(
            "Ask for 1 to %(count)s reply at once.",
            "Ask for 1 to %(count)s replies at once.",
            most,
        )
        raise MessageRefused("bad_count", said % {"count": most})
    return _answer(reply, count=count, is_varied=True)


def repeat(reply: Reply) -> Reply:
    """Run a reply again exactly as it was: model, settings, instructions, seed.

    Raises ``MessageRefused``.
    """
    begun = reply.message.text[: reply.continued_characters]
    return _answer(reply, text=begun, **_as_it_was(reply))


def can_resume(reply: Reply) -> bool:
    """Whether a reply was cut off: at its limit of tokens, or by a person."""
    was_cut = reply.is_length_limited or reply.state == wire.State.STOPPED
    return reply.is_terminal and was_cut and bool(reply.message.text)


def resume(reply: Reply) -> Reply:
    """A reply that goes on where this one was cut; one that was not is returned.

    Raises ``MessageRefused``.
    """
    if not can_resume(reply):
        return reply
    # With the same random numbers it goes on as if it had never been cut.
    return _answer(reply, text=reply.message.text, **_as_it_was(reply))


def _as_it_was(reply: Reply) -> dict[str, Any]:
    """What a reply was made with. Raises ``MessageRefused``."""
    _check_offered(reply.model)
    length = capped_reply_tokens(reply.settings["max_new_tokens"])
    return {
        "model": reply.model,
        "is_model_picked": True,
        "settings": {**reply.settings, "max_new_tokens": length},
        "seed": reply.seed,
        "instructions": reply.instructions,
    }


def _answer(
    old: Reply,
    *,
    count: int = 1,
    is_varied: bool = False,
    text: str = "",
    **fields: Any,
) -> Reply:
    """New replies to the prompt of ``old``; the first of them. ``fields`` are those of
    the rows, and ``text`` is what they go on with. Varied ones differ even where a
    person fixed the seed."""
    if not old.is_terminal:
        return old
    with transaction.atomic():
        conversation = claim_not_deleted(old.message.conversation_id)
        prompt = old.message.parent
        if prompt is None:
            return old
        to_come = Reply.objects.unfinished().with_path().filter(message__parent=prompt)
        if old.batch and old.state in WENT_WRONG:
            # Those beside it are no answer to trying this one again.
            to_come = to_come.exclude(batch=old.batch)
        if found := to_come.order_by("message__created_at").first():
            _show(found.message, conversation)
            transaction.on_commit(
                lambda: notify_pages(conversation.owner_id), robust=True
            )
            return found
        model = (
            fields.get("model")
            or effective_settings(conversation.owner, conversation).entry.name
        )
        admit(conversation.owner, None, model, count, is_message=False)
        is_held = conversation.has_unfinished(prompt.pk)
        if count > 1:
            fields["batch"] = uuid.uuid4()
        fresh: list[Reply] = []
        while len(fresh) < count:
            seed = {"seed": new_seed()} if is_varied else {}
            row = {**fields, **seed}
            fresh.append(await_reply(prompt, is_held=is_held, text=text, **row))
        _lead_through(fresh[0].message, old, conversation)
        transaction.on_commit(lambda: _publish_all(fresh), robust=True)
        return fresh[0]


def _publish_all(replies: list[Reply]) -> None:
    for reply in replies:
        if reply.state == wire.State.QUEUED:
            publish(reply)


def _lead_through(new: Message, old: Reply, conversation: Conversation) -> None:
    """The path leads through the new reply. Where the old one went wrong, so does
    whatever was sent after it; what followed a good one stays with that."""
    if old.state in WENT_WRONG:
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
                "The model %(model)s is not offered any more, so this reply cannot be"
                " made again with it. Another variant can."
            )
            % {"model": model},
        ) from None


def choose(message: Message) -> None:
    """The path leads through ``message``, and from there on to the newest.

    Raises ``MessageRefused`` where the conversation was deleted.
    """
    with transaction.atomic():
        conversation = claim_not_deleted(message.conversation_id)
        if message.pk in conversation.path_ids():
            return
        conversation.active_leaf_id = tree.newest_leaf(message.pk)
        # Looking at another version makes a conversation no newer.
        conversation.save(update_fields=["active_leaf"])
    notify_pages(conversation.owner_id)
