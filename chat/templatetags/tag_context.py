"""What the tags of this package read from the context of a template."""

from __future__ import annotations

from typing import Any

from django.template import Context, Engine
from django.utils.safestring import SafeString

from chat.models import User


def as_given(context: Context) -> Any:
    """The context as a view has given it: a dictionary of known keys."""
    return context


def account_of(context: Context) -> User | None:
    """The account that is logged in; None for a guest or an anonymous visitor."""
    user = context.get("user")
    return user if isinstance(user, User) and not user.is_guest else None


def is_oob(context: Context) -> bool:
    """Return whether the context replaces an element that a page has already."""
    return bool(context.get("is_oob"))


def included(context: Context, name: str) -> SafeString:
    """The template ``name`` as ``{% include %}`` gives it."""
    return Engine.get_default().get_template(name).render(context)
