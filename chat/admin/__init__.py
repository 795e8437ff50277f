"""Django's admin, for support: users, waiting replies and errors.

It shows no text of any user: no titles, messages, replies or instructions, in no list,
form, search or history. Its actions use the same services as the users' own pages.
"""

from __future__ import annotations

from chat.admin import (  # noqa: F401 - registered by being imported
    api_keys,
    conversations,
    invitations,
    people,
    replies,
    sessions,
    webhooks,
)
from chat.admin.names import name_models

name_models()
