"""Notices to people who have no page open."""

from __future__ import annotations

from chatsite.setting_types import (
    ContactAddress,
    Integer,
    Networks,
    Number,
    VapidKey,
)

TITLE = "Notifications"
INTRODUCTION = (
    "Notices that a reply is ready, for people who have closed the page: "
    "[Web Push](operate.md#web-push), and mail to accounts that ask for it."
)

VAPID_PRIVATE_KEY = VapidKey(
    "VAPID_PRIVATE_KEY",
    "",
    default_note="none",
    is_secret=True,
    about="The private key by which push services of browsers know this site; "
    "`manage.py push_key` makes one. Without it there is no Web Push. With another key "
    "people have to switch notifications on again.",
)
VAPID_CONTACT = ContactAddress(
    "VAPID_CONTACT",
    "",
    default_note="none",
    about="Where push services reach you if something is wrong. Web Push needs it.",
)
PUSH_SUBSCRIPTIONS_MAX = Integer(
    "PUSH_SUBSCRIPTIONS_MAX",
    10,
    minimum=1,
    maximum=100,
    about="How many browsers of a person get notices. A further one takes the place of "
    "the oldest.",
)
PUSH_PRIVATE_NETWORKS = Networks(
    "PUSH_PRIVATE_NETWORKS",
    (),
    about="Networks in which push services may be although they are not public. There "
    "they may also use plain HTTP. Everyone who may use the site may then send "
    "requests to these networks.",
)
PUSH_SECONDS = Number(
    "PUSH_SECONDS",
    10,
    minimum=1,
    maximum=120,
    about="A call of a push service that takes longer counts as failed.",
)
NOTICE_DELAY_SECONDS = Number(
    "NOTICE_DELAY_SECONDS",
    5,
    minimum=0,
    maximum=3600,
    about="How long a reply has been ready before a notice leaves, so that an open "
    "page can show it first.",
)
NOTICE_KEEP_MINUTES = Integer(
    "NOTICE_KEEP_MINUTES",
    240,
    minimum=1,
    maximum=40_320,
    about="A notice that cannot be delivered for so long is dropped, here and by the "
    "push service.",
)
NOTICE_SENDERS = Integer(
    "NOTICE_SENDERS",
    4,
    minimum=1,
    maximum=64,
    about="How many notices one keeper sends at the same time, two of them for one "
    "person.",
)
READY_MAIL_MINUTES = Integer(
    "READY_MAIL_MINUTES",
    5,
    minimum=0,
    maximum=10_080,
    about="The site mails that a reply is ready only if it took at least so long from "
    "the message on, and no page of its owner is open.",
)
READY_MAILS_PER_HOUR = Integer(
    "READY_MAILS_PER_HOUR",
    4,
    minimum=0,
    maximum=60,
    about="How many of these mails one person gets in an hour at most, evenly spaced; "
    "replies that are ready in between come together in the next mail. `0` sends none "
    "to anyone. They need `EMAIL_URL` and `SITE_URL`.",
)
