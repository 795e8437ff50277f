"""A fragment that is rendered once per variant reads as its template gives it."""

from __future__ import annotations

from itertools import product
from uuid import UUID, uuid4

import pytest
from django.template.loader import render_to_string
from django.urls import get_script_prefix, set_script_prefix
from django.utils.safestring import mark_safe

from chat.rendering.prerender import prerendered
from chat.services.conversation_badges import Badge
from tests.dom import dom

ITEM = "conversations/_list_item.html"
HOSTILE = (
    "<script>",
    '" onclick="x',
    "{{ pk }} {% now %} %s {}",
    "&amp;",
    "\n 1\n\n",
    "",
)


def without_indentation(html: str) -> str:
    return "\n".join(line.strip(" ") for line in html.splitlines() if line.strip())


@pytest.mark.parametrize("badge", [None, *Badge])
@pytest.mark.parametrize("is_current", [False, True])
def test_it_is_what_the_template_gives_for_each_variant(
    badge: Badge | None, *, is_current: bool
) -> None:
    variant = {"badge": badge, "is_current": is_current, "has_heading": is_current}
    for pk, title in product((uuid4(), uuid4()), ("One title", "Another & <b>")):
        values = {"pk": pk, "title": title, "heading": "Today"}
        whole = render_to_string(ITEM, {**variant, **values})
        assert prerendered(ITEM, variant, values) == without_indentation(whole)


@pytest.mark.parametrize("title", HOSTILE)
def test_a_value_is_escaped_and_kept_to_the_letter(title: str) -> None:
    variant = {"badge": None, "is_current": False, "has_heading": False}
    values = {"pk": uuid4(), "title": title, "heading": "Today"}
    entry = dom(prerendered(ITEM, variant, values)).one(".entry")
    assert entry["title"] == entry.one(".title").raw_text == title
    assert not entry.has("onclick")


def test_a_value_that_is_html_already_is_put_in_as_it_is() -> None:
    variant = {"badge": None, "is_current": False, "has_heading": False}
    values = {"pk": UUID(int=1), "title": mark_safe("<i>safe</i>"), "heading": ""}
    assert "<i>safe</i>" in prerendered(ITEM, variant, values)


def test_addresses_are_those_of_the_site_under_its_prefix() -> None:
    variant = {"badge": None, "is_current": False, "has_heading": False}
    values = {"pk": UUID(int=1), "title": "One", "heading": ""}
    before = get_script_prefix()
    prerendered(ITEM, variant, values)
    set_script_prefix("/chat/")
    try:
        entry = dom(prerendered(ITEM, variant, values)).one(".entry")
        assert entry["href"] == f"/chat/c/{UUID(int=1)}/"
    finally:
        set_script_prefix(before)
