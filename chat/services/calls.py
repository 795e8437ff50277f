"""Calls of programs: turns that come with the call, answered like any message.

A call makes the same rows as a message of a page and waits in the same queue. A program
sends all turns of its conversation each time. If they go on from an earlier call of the
same key, the new message joins that conversation; otherwise it begins one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from chat.models import ApiKey, Conversation, Message, Reply, User
from chat.models.conversation import title_from
from chat.services.effective_settings import EffectiveSettings
from chat.services.idempotency import NewIds, reply_once
from chat.services.jobs.publish import publish_queued
from chat.services.jobs.stop import batch_of
from chat.services.limits.admission import admit
from chat.services.messages import claim_not_deleted
from chat.services.new_replies import create_reply, new_seed
from chatsite import wire
from chatsite.catalog import ModelEntry
from chatsite.sampling_settings import SEED


@dataclass(frozen=True, slots=True)
class Call:
    """The turns of a call, and how to answer them.

    The last turn is the user's, or the assistant's if the reply continues it.
    """

    turns: tuple[wire.Turn, ...]
    entry: ModelEntry
    settings: wire.SamplingParams
    #: None means a random seed. Each further reply counts up from the first one, and
    #: goes on with the lowest after the highest.
    seed: int | None = None
    count: int = 1
    #: Whether the last turn is the prompt as it is, without a template.
    is_raw: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a call is answered, and where."""

    owner: User
    key: ApiKey | None
    is_helper: bool
    is_hidden: bool
    #: Whether a call may go on from an earlier one.
    joins: bool = True

    @classmethod
    def of_key(cls, key: ApiKey) -> Caller:
        """The program that calls with a key."""
        return cls(key.owner, key, key.is_helper, not key.keeps_conversations)


def send_call(key: ApiKey, call: Call, idempotency_key: str | None) -> list[Reply]:
    """Save a call and its replies, and enqueue them on commit; return the replies.

    A call that is repeated with its idempotency key gets the replies of the first one,
    or new versions if these were given up, or failed for a reason that may pass.
    Raises ``MessageRefused`` with a code of ``admission`` or ``idempotency``.
    """
    ids = NewIds(uuid4(), uuid4())
    first = reply_once(
        key.owner_id,
        idempotency_key,
        ("call", key.pk.hex, _digest(_plain_call(call))),
        lambda: _save(key, call, ids),
        new_ids=ids,
        renew=lambda earlier: _renewed(key, call, earlier, ids.reply),
    )
    return batch_of(first)


def _save(key: ApiKey, call: Call, ids: NewIds) -> Reply:
    admit(key.owner, None, call.entry.name, call.count)
    return save_call(Caller.of_key(key), call, ids)


def save_call(caller: Caller, call: Call, ids: NewIds) -> Reply:
    """Save an admitted call and its replies, and enqueue them on commit.

    Returns the first reply. Call it in a transaction.
    """
    conversation, parent, is_whole = _place(caller, call, ids)
    message = Message.objects.create(
        conversation=conversation,
        owner=caller.owner,
        parent_id=parent,
        role=wire.Role.USER,
        text=_shown_text(call.turns),
    )
    replies = _create_replies(caller, call, message, ids.reply, is_whole=is_whole)
    conversation.active_leaf_id = ids.reply
    conversation.turns_digest = _digest(_plain(call.turns))
    conversation.is_archived = False  # as with a message of a page
    conversation.save(
        update_fields=["active_leaf", "turns_digest", "updated_at", "is_archived"]
    )
    transaction.on_commit(lambda: publish_queued(replies), robust=True)
    return replies[0]


def _renewed(key: ApiKey, call: Call, earlier: Reply, pk: UUID) -> Reply:
    """The reply to a repeated call: the earlier one, unless another may be better."""
    message = earlier.message.parent
    is_curable = any(reply.is_curable for reply in batch_of(earlier))
    if message is None or not is_curable:
        return earlier
    admit(key.owner, None, call.entry.name, call.count)
    conversation = claim_not_deleted(message.conversation_id)
    is_whole = "turns" not in (earlier.call or {})
    caller = Caller.of_key(key)
    replies = _create_replies(caller, call, message, pk, is_whole=is_whole)
    conversation.active_leaf_id = pk
    conversation.save(update_fields=["active_leaf", "updated_at"])
    transaction.on_commit(lambda: publish_queued(replies), robust=True)
    return replies[0]


def _place(
    caller: Caller, call: Call, ids: NewIds
) -> tuple[Conversation, UUID | None, bool]:
    """The conversation of a call, the message before its own, and whether all is there.

    All is there if the messages of the conversation and the call's own are its turns.
    """
    said = [turn for turn in call.turns if turn.role != wire.Role.SYSTEM]
    if earlier := _earlier(caller, call.turns):
        known = len(earlier.path_ids())
        return earlier, earlier.active_leaf_id, known == len(said) - 1
    conversation = Conversation.objects.create(
        id=ids.conversation,
        owner=caller.owner,
        title=title_from(_shown_text(call.turns)),
        api_key=caller.key,
        is_hidden=caller.is_hidden,
    )
    return conversation, None, len(said) == 1


def _earlier(caller: Caller, turns: Sequence[wire.Turn]) -> Conversation | None:
    """The conversation that ends where these turns go on, locked."""
    if caller.key is None or not caller.joins:
        return None
    if len(turns) < 3 or [turn.role for turn in turns[-2:]] != _ANSWER_AND_MESSAGE:
        return None
    digest = _digest(_plain(turns[:-2]))
    found = Conversation.objects.not_deleted().filter(
        api_key=caller.key, turns_digest=digest
    )
    is_same = {
        "active_leaf__text": turns[-2].text,
        "active_leaf__reply__state": wire.State.DONE,
    }
    pk = found.filter(**is_same).order_by("-updated_at").values_list("pk", flat=True)
    return Conversation.objects.select_for_update().filter(pk__in=pk[:1]).first()


_ANSWER_AND_MESSAGE = [wire.Role.ASSISTANT, wire.Role.USER]


def _create_replies(
    caller: Caller, call: Call, message: Message, pk: UUID, *, is_whole: bool
) -> list[Reply]:
    seed = new_seed() if call.seed is None else call.seed
    begun = call.turns[-1].text if call.turns[-1].role == wire.Role.ASSISTANT else ""
    systems = [turn.text for turn in call.turns if turn.role == wire.Role.SYSTEM]
    is_plain = is_whole and not begun and not call.is_raw and _begins_with(call.turns)
    fields: dict[str, Any] = {
        "instructions": "\n\n".join(systems) if is_plain else "",
        "batch": uuid4() if call.count > 1 else None,
        "call": {
            **({"key": caller.key.pk.hex} if caller.key else {}),
            "is_helper": caller.is_helper,
            "is_raw": call.is_raw,
            **({} if is_plain else {"turns": _plain(call.turns)}),
        },
    }
    chosen = EffectiveSettings(call.entry, True, call.settings, seed, "")
    return [
        create_reply(
            message,
            chosen,
            is_held=False,
            **fields,
            seed=_counted_up(seed, number),
            pk=uuid4() if number else pk,
        )
        for number in range(call.count)
    ]


def _counted_up(seed: int, number: int) -> int:
    """The seed of a further reply, within the range of seeds."""
    lowest: int = SEED.minimum
    size: int = SEED.maximum - lowest + 1
    return (seed + number - lowest) % size + lowest


def _begins_with(turns: Sequence[wire.Turn]) -> bool:
    """Whether instructions come first only: then a conversation can show them so."""
    roles = [turn.role for turn in turns]
    systems = roles.count(wire.Role.SYSTEM)
    return wire.Role.SYSTEM not in roles[systems:]


def _shown_text(turns: Sequence[wire.Turn]) -> str:
    """The text of the user's last turn; of the last turn if there is none."""
    texts = [turn.text for turn in turns if turn.role == wire.Role.USER]
    return texts[-1] if texts else turns[-1].text


def _plain_call(call: Call) -> dict[str, Any]:
    """All that a call asks for, as JSON takes it."""
    return {
        "turns": _plain(call.turns),
        "model": call.entry.name,
        "settings": asdict(call.settings),
        "seed": call.seed,
        "count": call.count,
        "is_raw": call.is_raw,
    }


def _plain(turns: Sequence[wire.Turn]) -> list[list[str]]:
    return [[turn.role.value, turn.text] for turn in turns]


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
