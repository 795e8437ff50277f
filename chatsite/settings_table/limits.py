"""How much a guest, an account and the guests of one network may use."""

from __future__ import annotations

from chatsite.setting_types import Limit

TITLE = "Limits"
INTRODUCTION = (
    "`off` (or `0`) removes a limit. A `GUEST_` limit counts for each guest, an "
    "`ACCOUNT_` limit for each account, and a `NETWORK_` limit for all guests of one "
    "network together: an IPv4 address, or a /64 of IPv6. A limit may be used up at "
    "once and comes back evenly: of 24 messages a day there is one more every hour. "
    "An account can have limits of its own, which a superuser sets in the admin."
)

GUEST_MESSAGES_PER_MINUTE = Limit(
    "GUEST_MESSAGES_PER_MINUTE",
    60,
    old_names=("GUEST_PROMPTS_PER_MINUTE",),
    about="Messages of a guest in a minute, other versions of a reply included.",
)
GUEST_MESSAGES_PER_DAY = Limit(
    "GUEST_MESSAGES_PER_DAY",
    1000,
    old_names=("GUEST_PROMPTS_PER_DAY",),
    about="Messages of a guest in a day.",
)
GUEST_REPLIES_WAITING = Limit(
    "GUEST_REPLIES_WAITING",
    100,
    about="Replies to a guest that may wait or be written at the same time.",
)
GUEST_TOKENS_PER_DAY = Limit(
    "GUEST_TOKENS_PER_DAY",
    1_000_000,
    about="Tokens that the model reads and writes for a guest in a day.",
)
GUEST_COPIED_MESSAGES_PER_DAY = Limit(
    "GUEST_COPIED_MESSAGES_PER_DAY",
    20_000,
    about="Messages that a guest may copy in a day, by forks and by "
    "continuing shared links.",
)
ACCOUNT_MESSAGES_PER_MINUTE = Limit(
    "ACCOUNT_MESSAGES_PER_MINUTE",
    120,
    old_names=("ACCOUNT_PROMPTS_PER_MINUTE",),
    about="Messages of an account in a minute, other versions of a reply included.",
)
ACCOUNT_MESSAGES_PER_DAY = Limit(
    "ACCOUNT_MESSAGES_PER_DAY",
    3000,
    old_names=("ACCOUNT_PROMPTS_PER_DAY",),
    about="Messages of an account in a day.",
)
ACCOUNT_REPLIES_WAITING = Limit(
    "ACCOUNT_REPLIES_WAITING",
    200,
    about="Replies to an account that may wait or be written at the same time.",
)
ACCOUNT_TOKENS_PER_DAY = Limit(
    "ACCOUNT_TOKENS_PER_DAY",
    3_000_000,
    about="Tokens that the model reads and writes for an account in a day.",
)
ACCOUNT_COPIED_MESSAGES_PER_DAY = Limit(
    "ACCOUNT_COPIED_MESSAGES_PER_DAY",
    100_000,
    about="Messages that an account may copy in a day, by forks and by "
    "continuing shared links.",
)
ACCOUNT_IMPORTS_PER_DAY = Limit(
    "ACCOUNT_IMPORTS_PER_DAY",
    50,
    about="Files with conversations that an account may send in a day.",
)
NETWORK_MESSAGES_PER_MINUTE = Limit(
    "NETWORK_MESSAGES_PER_MINUTE",
    300,
    old_names=("NETWORK_PROMPTS_PER_MINUTE",),
    about="Messages of a network's guests in a minute, other versions of a reply "
    "included.",
)
NETWORK_MESSAGES_PER_DAY = Limit(
    "NETWORK_MESSAGES_PER_DAY",
    5000,
    old_names=("NETWORK_PROMPTS_PER_DAY",),
    about="Messages of a network's guests in a day.",
)
NETWORK_REPLIES_WAITING = Limit(
    "NETWORK_REPLIES_WAITING",
    500,
    about="Replies to a network's guests that may wait or be written at the same time.",
)
NETWORK_TOKENS_PER_DAY = Limit(
    "NETWORK_TOKENS_PER_DAY",
    5_000_000,
    about="Tokens that the model reads and writes for a network's guests in a day.",
)
NETWORK_COPIED_MESSAGES_PER_DAY = Limit(
    "NETWORK_COPIED_MESSAGES_PER_DAY",
    100_000,
    about="Messages that a network's guests may copy in a day, by forks and by "
    "continuing shared links.",
)
NETWORK_GUESTS_PER_HOUR = Limit(
    "NETWORK_GUESTS_PER_HOUR",
    500,
    about="New guests of one network in an hour.",
)
NETWORK_SIGNUPS_PER_HOUR = Limit(
    "NETWORK_SIGNUPS_PER_HOUR",
    60,
    about="New accounts of one network in an hour.",
)
NETWORK_MAILS_PER_HOUR = Limit(
    "NETWORK_MAILS_PER_HOUR",
    30,
    about="Links by mail (for a new address or a new password) that one network may "
    "ask for in an hour.",
)
