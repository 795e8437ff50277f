"""Mail that the site sends."""

from __future__ import annotations

from chatsite import mail_url
from chatsite.setting_types import MailSender, MailUrl

TITLE = "Mail"
INTRODUCTION = ""

EMAIL_URL = MailUrl(
    "EMAIL_URL",
    mail_url.parse(""),
    default_note="none",
    is_secret=True,
    about="The mail server: `smtp+tls://user:password@host:587` or `smtp+ssl://…`. "
    "Without one no mail is sent, and a superuser makes links to new passwords.",
)
MAIL_FROM = MailSender(
    "MAIL_FROM",
    "chatsite@localhost",
    about="The sender of that mail.",
)
