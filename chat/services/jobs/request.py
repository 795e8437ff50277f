"""Builds the request to a worker: the turns of a reply's path, within a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, chain
from typing import Any

from django.conf import settings

from chat.models import Conversation, Message, Reply, tree
from chatsite import wire

#: Old turns are dropped in steps of this many, so that the prefix which a worker has in
#: its KV cache stays the beginning of the next request.
STEP_TURNS = 8
#: Estimated characters per token, if no tokens were counted.
CHARACTERS_PER_TOKEN = 4


def request_for(reply: Reply) -> wire.Request:
    """The request for a reply, read from the database."""
    message = reply.message
    end = reply.continued_characters
    if reply.call is not None and "turns" in reply.call:
        return _request(reply, _turns_of_call(reply.call, message.text[:end]))
    limit = settings.REQUEST_MAX_CHARACTERS - len(reply.instructions) - end
    whole = _path_before(message, limit)
    reply.path_before = tuple(said.pk for said in whole)
    path = _answered(whole)
    dropped = turns_to_drop([said.characters for said in path], limit)
    turns = _turns(message.conversation, path[dropped:])
    if reply.instructions:
        turns.insert(0, wire.Turn(wire.Role.SYSTEM, reply.instructions))
    if end:
        turns.append(wire.Turn(wire.Role.ASSISTANT, message.text[:end]))
    return _request(reply, turns, dropped)


def _request(
    reply: Reply, turns: Sequence[wire.Turn], dropped: int = 0
) -> wire.Request:
    call = reply.call or {}
    return wire.Request(
        turns=tuple(turns),
        settings=wire.SamplingParams.from_dict({**reply.settings, "seed": reply.seed}),
        max_seconds=settings.REPLY_MAX_SECONDS,
        dropped_turns=dropped,
        request_id=reply.request_id,
        traceparent=reply.traceparent,
        is_raw=bool(call and call["is_raw"]),
        # A program that sends all turns wants none of them dropped in silence.
        is_cut_refused=bool(call) and call.get("is_cut_refused", True),
    )


def _turns_of_call(call: Mapping[str, Any], begun: str) -> list[wire.Turn]:
    """The turns that a program sent, with the text that the reply continues."""
    turns = [wire.Turn(wire.Role(role), text) for role, text in call["turns"]]
    last = turns[-1]
    if begun and (call["is_raw"] or last.role == wire.Role.ASSISTANT):
        turns[-1] = wire.Turn(last.role, last.text + begun)
    elif begun:
        turns.append(wire.Turn(wire.Role.ASSISTANT, begun))
    return turns


def _path_before(message: Message, characters: int) -> list[tree.PathMessage]:
    """The messages before a reply, oldest first, with about as much of their texts."""
    if message.parent_id is None:
        return []
    return tree.messages_up(message.conversation_id, message.parent_id, characters)[
        ::-1
    ]


def _answered(path: Sequence[tree.PathMessage]) -> list[tree.PathMessage]:
    """The messages of a path without those that got no reply, except the newest."""
    if not path:
        return []
    pairs = zip(path[:-1:2], path[1:-1:2], strict=True)
    answered = [pair for pair in pairs if pair[1].characters]
    return [*chain.from_iterable(answered), path[-1]]


def _turns(
    conversation: Conversation, path: Sequence[tree.PathMessage]
) -> list[wire.Turn]:
    """The turns of a path; reads the texts that are missing.

    Texts are missing where messages without a reply, which are left out, are long.
    """
    missing = conversation.loaded([said.pk for said in path if said.text is None])
    texts = {message.pk: message.text for message in missing}
    return [
        wire.Turn(said.role, texts.get(said.pk, "") if said.text is None else said.text)
        for said in path
    ]


def turns_to_drop(lengths: Sequence[int], limit: int) -> int:
    """How many of the oldest turns to drop; the newest always stays."""
    after = [*reversed(list(accumulate(reversed(lengths)))), 0]
    for start in range(0, len(lengths), STEP_TURNS):
        if after[start] <= limit:
            return start
    return max(len(lengths) - 1, 0)


def cost_of(request: wire.Request) -> float:
    """The estimated tokens that a request takes of its owner's share.

    The true count corrects it when the reply ends.
    """
    characters = sum(len(turn.text) for turn in request.turns)
    return characters / CHARACTERS_PER_TOKEN + request.settings.max_new_tokens
