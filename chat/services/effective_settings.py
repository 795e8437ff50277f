"""The settings that apply to the next reply of a conversation.

The conversation's settings override its owner's, and these override the catalogue's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.conf import settings as site

from chat.models import Conversation, Reply, User
from chatsite import wire
from chatsite.catalog import ModelEntry
from chatsite.model_choice import current_catalog, model_entry


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """How the next reply will be generated."""

    entry: ModelEntry
    #: Whether a user picked this model.
    is_picked: bool
    settings: wire.SamplingParams
    #: None means a new random seed for every reply.
    seed: int | None
    instructions: str


def effective_settings(
    owner: User, conversation: Conversation | None = None
) -> EffectiveSettings:
    """The settings of the next reply in ``conversation``, or in a new one."""
    layers = [owner, conversation] if conversation else [owner]
    chosen: dict[str, Any] = {}
    for layer in layers:
        chosen |= layer.settings
    picked = model_of(owner, conversation)
    entry = catalog_entry(picked)
    return EffectiveSettings(
        entry,
        picked == entry.name,
        _with(entry.settings, chosen),
        chosen.get("seed"),
        next((layer.instructions for layer in layers[::-1] if layer.instructions), ""),
    )


def model_to_watch(conversation: Conversation) -> ModelEntry:
    """The model whose workers a page shows.

    It is the model of the first unfinished reply, or of the next one.
    """
    queued = Reply.objects.queued().filter(message__conversation=conversation)
    coming = queued.order_by("queued_at").values_list("model", flat=True).first()
    return (
        catalog_entry(coming)
        if coming
        else effective_settings(conversation.owner, conversation).entry
    )


def model_of(owner: User, conversation: Conversation | None) -> str:
    """The model that a user picked; empty means the site's own choice."""
    return (conversation.model if conversation else "") or owner.model


def catalog_entry(picked: str) -> ModelEntry:
    """The catalogue entry of a picked model.

    If the model is not in the catalogue any more it is the site's own choice.
    """
    return current_catalog().models.get(picked) or model_entry()


def _with(
    settings: wire.SamplingParams, chosen: Mapping[str, Any]
) -> wire.SamplingParams:
    """Override ``settings`` by those that were chosen; unknown names are ignored."""
    known = {name: value for name, value in chosen.items() if name in asdict(settings)}
    if "stop" in known:
        known["stop"] = tuple(known["stop"])
    wanted = replace(settings, **{**known, "seed": 0})
    # The limit of the site may be lower now than when this was chosen.
    return replace(wanted, max_new_tokens=capped_reply_tokens(wanted.max_new_tokens))


def capped_reply_tokens(tokens: int) -> int:
    """``tokens``, or the site's limit of a reply if that is less."""
    return min(tokens, site.REPLY_MAX_TOKENS)
