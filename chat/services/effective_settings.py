"""What was chosen for the replies of a conversation, and what holds where nothing was.

A conversation goes before its owner, an owner before the catalogue.
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
    """How the next reply is to be made."""

    entry: ModelEntry
    #: Whether a person picked that model.
    is_picked: bool
    settings: wire.SamplingParams
    #: None: another one for every reply.
    seed: int | None
    instructions: str


def effective_settings(
    owner: User, conversation: Conversation | None = None
) -> EffectiveSettings:
    """What holds for the next reply in ``conversation``, or in a new one."""
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
    """The model whose workers matter now: that of the reply that is to come first, else
    of the next one."""
    queued = Reply.objects.queued().filter(message__conversation=conversation)
    coming = queued.order_by("queued_at").values_list("model", flat=True).first()
    return (
        catalog_entry(coming)
        if coming
        else effective_settings(conversation.owner, conversation).entry
    )


def model_of(owner: User, conversation: Conversation | None) -> str:
    """The model that a person picked; empty follows the one served here."""
    return (conversation.model if conversation else "") or owner.model


def catalog_entry(picked: str) -> ModelEntry:
    """The entry of a picked model. One that left the catalogue gives way to the one
    served here, as if nothing had been picked."""
    return current_catalog().models.get(picked) or model_entry()


def _with(
    settings: wire.SamplingParams, chosen: Mapping[str, Any]
) -> wire.SamplingParams:
    """Settings that an older version knew are passed over."""
    known = {name: value for name, value in chosen.items() if name in asdict(settings)}
    if "stop" in known:
        known["stop"] = tuple(known["stop"])
    wanted = replace(settings, **{**known, "seed": 0})
    # The site's limit may have been lowered since this was chosen.
    return replace(wanted, max_new_tokens=capped_reply_tokens(wanted.max_new_tokens))


def capped_reply_tokens(tokens: int) -> int:
    """As many of these new tokens as a reply may have here."""
    return min(tokens, site.REPLY_MAX_TOKENS)
