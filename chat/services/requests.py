"""The request to a model: the turns of a reply's path, bounded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from django.conf import settings

from chat.models import Message, Reply
from chatsite import wire

#: Old turns leave in steps of this many, so that the text a worker has already
#: computed stays the beginning of the next request.
STEP_TURNS = 8


def request_for(reply: Reply) -> wire.Request:
    """What a worker needs to answer, read from the database."""
    message = reply.message
    turns = turns_of(message.conversation.path(message.parent_id))
    dropped = turns_to_drop(
        [len(turn.text) for turn in turns], settings.REQUEST_MAX_CHARACTERS
    )
    sampling = {**reply.settings, "seed": reply.seed}
    return wire.Request(
        turns=tuple(turns[dropped:]),
        settings=wire.Settings.from_dict(sampling),
        max_seconds=settings.REPLY_MAX_SECONDS,
        dropped_turns=dropped,
    )


def turns_of(path: Sequence[Message]) -> list[wire.Turn]:
    """The turns of a path. A prompt that got no answer is left out, but the newest."""
    turns = []
    for i in range(0, len(path), 2):
        prompt, answer = path[i], path[i + 1] if i + 1 < len(path) else None
        if answer is None:
            turns.append(wire.Turn(wire.Role.USER, prompt.text))
        elif answer.text:
            turns.append(wire.Turn(wire.Role.USER, prompt.text))
            turns.append(wire.Turn(wire.Role.ASSISTANT, answer.text))
    return turns


def turns_to_drop(lengths: Sequence[int], limit: int) -> int:
    """How many of the oldest turns to leave out; the newest always stays."""
    after = [*reversed(list(accumulate(reversed(lengths)))), 0]
    for start in range(0, len(lengths), STEP_TURNS):
        if after[start] <= limit:
            return start
    return max(len(lengths) - 1, 0)


def cost_of(request: wire.Request) -> float:
    """Tokens a request is expected to take of its owner's share.

    About four characters a token; corrected by the true count when it ends.
    """
    characters = sum(len(turn.text) for turn in request.turns)
    return characters / 4 + request.settings.max_new_tokens
