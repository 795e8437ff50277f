"""Tags and filters of the page behind a shared link."""

from __future__ import annotations

from django import template

from chat.rendering.user_message import message_html

register = template.Library()
register.filter("user_message", message_html)
