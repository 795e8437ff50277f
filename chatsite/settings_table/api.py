"""Calls of programs with API keys."""

from __future__ import annotations

from chatsite.setting_types import Integer, Limit, Number

TITLE = "API keys"
INTRODUCTION = "Keys with which programs act for an account: [API](api.md#keys)."

API_KEYS_MAX = Integer(
    "API_KEYS_MAX",
    20,
    minimum=0,
    maximum=1000,
    about="How many usable keys an account may have. With 0 no key can be made.",
)
API_UNKEPT_MINUTES = Number(
    "API_UNKEPT_MINUTES",
    60,
    minimum=1,
    maximum=10_080,
    about="The reply to a call that is not kept is erased so long after its end.",
)
TEMPORARY_MINUTES = Number(
    "TEMPORARY_MINUTES",
    60,
    minimum=2,
    maximum=10_080,
    about="A temporary chat is erased so long after its last page was closed, or a call"
    " last asked for it.",
)
CALLER_LOST_SECONDS = Number(
    "CALLER_LOST_SECONDS",
    20,
    minimum=2,
    maximum=3600,
    about="A web process that is silent for so long has lost the calls that waited in "
    "it: replies written for these alone are stopped.",
)
NETWORK_WRONG_KEYS_PER_HOUR = Limit(
    "NETWORK_WRONG_KEYS_PER_HOUR",
    1000,
    about="Calls with a wrong, expired or revoked key from one network in an hour. "
    "Further ones get status 429; calls with a right key are answered.",
)
