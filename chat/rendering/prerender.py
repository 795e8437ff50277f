"""Templates that are rendered once for everything that looks alike.

The entries of a list, and the messages of a conversation, share their markup but for a
few values. Django needs some 0.3 ms to render one of them from its template. Here the
template is rendered once for each variant, with a placeholder for each value, and then
the values are put between the parts.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache
from html import escape
from uuid import uuid4

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import get_script_prefix
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

#: Variants in the memory of a process; each is one or two thousand characters long.
VARIANTS_MAX = 512
#: Indentation, which would be a third of a list. A template whose attributes have
#: line breaks that matter is no fragment for this.
_INDENTATION = re.compile(r"[ \t]*\n[ \t\n]*")

_SPECIAL = re.compile("[&<>\"']")


def prerendered(
    template: str, variant: Mapping[str, Hashable], values: Mapping[str, object]
) -> SafeString:
    """Return what ``template`` gives for a context of ``variant`` and ``values``.

    The template may decide by a variant, but only show or link a value: where it is
    rendered, a value is a placeholder that is neither empty nor changed by a filter.
    Its variants are few: states and whether something is there, no counts and no ids.
    """
    return prerendered_list(template, [(variant, values)])


def prerendered_list(
    template: str, items: Iterable[tuple[Mapping[str, Hashable], Mapping[str, object]]]
) -> SafeString:
    """Return the same for each pair of variant and values, one after the other.

    All have the same names of values.
    """
    place = get_language(), get_script_prefix()
    make = _to_fill.__wrapped__ if settings.DEBUG else _to_fill
    known: dict[tuple[tuple[str, Hashable], ...], str] = {}
    written: list[str] = []
    for variant, values in items:
        key = (*variant.items(),)
        if key not in known:
            known[key] = make(template, key, (*values,), *place)
        shown = {name: _escaped(value) for name, value in values.items()}
        written.append(known[key] % shown)
    return mark_safe("".join(written))  # noqa: S308  # every value is escaped


def _escaped(value: object) -> str:
    """As templates escape, without the layers of Django's ``conditional_escape``."""
    if isinstance(value, SafeString):
        return value
    text = str(value)
    return escape(text) if _SPECIAL.search(text) else text


@lru_cache(VARIANTS_MAX)
def _to_fill(
    template: str,
    variant: tuple[tuple[str, Hashable], ...],
    names: tuple[str, ...],
    _language: str | None,
    _prefix: str,
) -> str:
    """The text of a variant with ``%(name)s`` in place of each value.

    A placeholder is a random id, which also fits into a URL and is never escaped. The
    language and the prefix of all URLs are part of the key.
    """
    placeholders = {name: str(uuid4()) for name in names}
    whole = render_to_string(template, {**dict(variant), **placeholders})
    text = _INDENTATION.sub("\n", whole.strip("\n ")).replace("%", "%%")
    for name, placeholder in placeholders.items():
        text = text.replace(placeholder, f"%({name})s")
    return text
