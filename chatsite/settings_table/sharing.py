"""Links to copies of conversations."""

from __future__ import annotations

from chatsite.setting_types import Integer, OneOf

TITLE = "Sharing"
INTRODUCTION = (
    "Links with which people show a frozen copy of a conversation: "
    "[Sharing](accounts.md#sharing)."
)

SHARING = OneOf(
    "SHARING",
    "visitors",
    choices=("visitors", "everyone", "off"),
    about="Who can read the copy behind a shared link: those who may use the site "
    "(with `GUESTS=off` only people who log in), everyone who has the link, or no one. "
    "With `off` no link can be made, and those that were made lead nowhere.",
)
SHARED_LINKS_MAX = Integer(
    "SHARED_LINKS_MAX",
    100,
    minimum=1,
    maximum=10_000,
    about="How many shared links one person may have at once.",
)
SHARED_MAX_CHARACTERS = Integer(
    "SHARED_MAX_CHARACTERS",
    1_000_000,
    minimum=1,
    maximum=100_000_000,
    about="The longest path of a conversation that can be shared, in characters.",
)
