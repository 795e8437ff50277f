"""Guests, accounts, sessions and passwords."""

from __future__ import annotations

from chatsite.setting_types import Flag, Integer, Number, OneOf, Text

TITLE = "Guests and accounts"
INTRODUCTION = ""

GUESTS = Flag("GUESTS", True, about="Whether people can chat without an account.")
SIGNUP = OneOf(
    "SIGNUP",
    "open",
    choices=("open", "invitation", "closed"),
    about="Who can make an account: everyone, only people with an invitation, or no "
    "one.",
)
GUEST_IDLE_DAYS = Number(
    "GUEST_IDLE_DAYS",
    30,
    minimum=1,
    maximum=36_500,
    about="A guest who has not come back for so many days is erased, with everything "
    "they wrote.",
)
SESSION_DAYS = Integer(
    "SESSION_DAYS",
    365,
    minimum=1,
    maximum=36_500,
    about="For how many days a browser is remembered.",
)
PASSWORD_MIN_CHARACTERS = Integer(
    "PASSWORD_MIN_CHARACTERS",
    10,
    minimum=8,
    about="The length of the shortest password.",
)
LOGIN_FAILURES_MAX = Integer(
    "LOGIN_FAILURES_MAX",
    10,
    minimum=1,
    about="After so many wrong passwords for one account from one network, that "
    "network cannot log in to the account for `LOGIN_LOCK_MINUTES`.",
)
LOGIN_LOCK_MINUTES = Number(
    "LOGIN_LOCK_MINUTES",
    15,
    minimum=0.01,
    maximum=52_560_000,
    about="How long such a lock lasts, and the longest time between two wrong "
    "passwords that count together.",
)
NETWORK_LOGIN_FAILURES_PER_HOUR = Integer(
    "NETWORK_LOGIN_FAILURES_PER_HOUR",
    100,
    minimum=1,
    about="Wrong passwords from one network in an hour, for all names together.",
)
ADMIN_NAME = Text(
    "ADMIN_NAME",
    "",
    expected="a user name",
    about="The name of the superuser that `make admin` makes. It asks if this is "
    "unset.",
)
ADMIN_PASSWORD = Text(
    "ADMIN_PASSWORD",
    "",
    expected="a password",
    is_secret=True,
    about="The password of that superuser. `make admin` asks if this is unset.",
)
