"""The cache of rendered texts is bounded by characters and separate by language."""

from __future__ import annotations

from django.utils import translation
from django.utils.safestring import SafeString

from chat.rendering.markdown import (
    CACHED_CHARACTERS,
    TEXT_CHARACTERS_MAX,
    _cache,
    render,
)
from chat.rendering.markdown.cache import HtmlCache


def test_the_text_used_least_recently_is_dropped_first() -> None:
    cache = HtmlCache(limit=12)
    first, second, third = [(letter, None) for letter in "abc"]
    cache.put(first, SafeString("AAA"))
    cache.put(second, SafeString("BBB"))
    cache.get(first)
    cache.put(third, SafeString("CCCCC"))
    assert [cache.get(key) for key in (first, second, third)] == ["AAA", None, "CCCCC"]
    assert cache.characters == 10


def test_a_text_larger_than_the_cache_is_not_kept() -> None:
    cache = HtmlCache(limit=12)
    cache.put(("a", None), SafeString("A" * 12))
    assert cache.get(("a", None)) is None
    assert cache.characters == 0


def test_a_text_that_is_put_twice_counts_once() -> None:
    cache = HtmlCache(limit=12)
    for _ in range(5):
        cache.put(("a", None), SafeString("AAA"))
    assert cache.characters == 4


def test_a_text_is_rendered_once_in_each_language() -> None:
    _cache.clear()
    with translation.override("en"):
        assert render("```\nx\n```") is render("```\nx\n```")
        english = render("```\nx\n```")
    with translation.override(None):
        assert render("```\nx\n```") is not english


def test_many_hostile_texts_take_no_more_than_the_bound() -> None:
    _cache.clear()
    for number in range(8):
        render(f"`{number}" + "\u200b" * (TEXT_CHARACTERS_MAX - 10) + "`")
    assert CACHED_CHARACTERS / 2 < _cache.characters <= CACHED_CHARACTERS
    _cache.clear()
