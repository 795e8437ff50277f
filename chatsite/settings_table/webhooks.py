"""Calls to addresses of accounts when a reply ends."""

from __future__ import annotations

from chatsite.setting_types import Flag, Integer, Networks, Number

TITLE = "Webhooks"
INTRODUCTION = (
    "Calls that tell programs of an account that a reply ended: "
    "[Webhooks](webhooks.md)."
)

WEBHOOKS_MAX = Integer(
    "WEBHOOKS_MAX",
    10,
    minimum=0,
    maximum=1000,
    about="How many webhooks an account may have. With 0 none can be made, and none "
    "is called.",
)
WEBHOOK_PRIVATE_NETWORKS = Networks(
    "WEBHOOK_PRIVATE_NETWORKS",
    (),
    about="Networks that webhooks may reach although they are not public, such as "
    "those of your home. There, webhooks may also use plain HTTP. All accounts may "
    "then send requests to these networks.",
)
WEBHOOK_HTTP = Flag(
    "WEBHOOK_HTTP",
    False,
    about="Whether webhooks may also reach public addresses by plain HTTP, which "
    "others can read on the way.",
)
WEBHOOK_SECONDS = Number(
    "WEBHOOK_SECONDS",
    15,
    minimum=1,
    maximum=120,
    about="A call that takes longer counts as failed.",
)
WEBHOOK_SENDERS = Integer(
    "WEBHOOK_SENDERS",
    8,
    minimum=1,
    maximum=64,
    about="How many webhooks one keeper calls at the same time, two of them for one "
    "account.",
)
WEBHOOK_TEXT_CHARACTERS = Integer(
    "WEBHOOK_TEXT_CHARACTERS",
    4000,
    minimum=0,
    maximum=1_000_000,
    about="How many characters of a reply a webhook is sent at most. With 0 no text "
    "is sent.",
)
WEBHOOK_LOG_DAYS = Integer(
    "WEBHOOK_LOG_DAYS",
    14,
    minimum=4,
    maximum=3650,
    about="How long an account can see which calls of its webhooks were made.",
)
