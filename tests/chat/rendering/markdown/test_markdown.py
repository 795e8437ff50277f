"""Markdown of a model: marks have their meaning, and nothing is trusted."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.rendering.markdown import render


def test_paragraphs_lists_and_emphasis() -> None:
    html = render("One *two*\nthree\n\n- a\n- b")
    assert "<p>One <em>two</em><br />\nthree</p>" in html
    assert html.count("<li>") == 2


def test_tables_scroll_on_their_own() -> None:
    html = render("|a|b|\n|---|---|\n|1|2|")
    assert html.startswith('<div class="table" role="group"')
    assert html.rstrip().endswith("</table></div>")
    assert "<td>2</td>" in html


def test_columns_are_aligned_without_inline_styles() -> None:
    html = render("|a|b|c|\n|--:|:-:|---|\n|1|2|3|")
    assert '<td class="right">1</td>\n<td class="center">2</td>\n<td>3</td>' in html
    assert "style" not in html


def test_code_is_highlighted_and_named() -> None:
    html = render("```python\nprint('<b>')\n```")
    assert '<figcaption><span dir="auto">python<' in html
    assert 'class="hl-' in html
    assert "<b>" not in html


@pytest.mark.parametrize("language", ["", "no-such-language", '"><script>'])
def test_code_in_an_unknown_language_is_plain(language: str) -> None:
    html = render(f"```{language}\na < b\n```")
    assert "a &lt; b" in html
    assert "hl-" not in html
    assert "<script" not in html


def test_long_code_is_plain() -> None:
    assert "hl-" not in render("```python\n" + "x = 1\n" * 1000 + "```")


def test_headings_stay_below_those_of_the_page() -> None:
    html = render("# One\n## Two\n###### Six")
    assert re.findall("<h(.)>", html) == ["4", "5", "6"]


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("### One\n### Two", "44"),
        ("# One\n### Two\n# Three", "454"),
        ("### One\n# Two\n### Three", "445"),
        ("# 1\n## 2\n### 3\n#### 4\n##### 5", "45666"),
    ],
)
def test_no_level_of_headings_is_skipped(text: str, levels: str) -> None:
    assert "".join(re.findall("<h(.)>", render(text))) == levels


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "[x](vbscript:x)",
        "<javascript:alert(1)>",
        '[x](https://a.example "onmouseover=alert(1)")',
        "![x](https://a.example/pixel.png)",
        "[x](//a.example)\n\n<iframe src=//a.example>",
        "```html\n<script>alert(1)</script>\n```",
        "`<script>alert(1)</script>`",
        '[x](https://a.example "<script>alert(1)</script>")',
        "[x][<script>a</script>]\n\n[<script>a</script>]: https://a.example",
    ],
)
def test_nothing_active_is_rendered(text: str) -> None:
    assert_harmless(render(text))


@given(st.text(alphabet="<>[]()!`*_~|-#\"'\\/:& \nabjscript1=.", max_size=200))
def test_nothing_active_is_rendered_from_any_text(text: str) -> None:
    assert_harmless(render(text))


def assert_harmless(html: str) -> None:
    tags = re.findall(r"<[^>]*>", html)
    for tag in tags:
        assert not re.match(r"<\s*(script|img|iframe|style|object|svg)", tag), tag
        attributes = re.findall(r'\s([\w-]+)="([^"]*)"', tag)
        for name, value in attributes:
            assert not name.startswith("on"), tag
            if name == "href":
                assert not re.match(r"\s*(javascript|vbscript|data|file):", value), tag


def test_links_send_no_referrer() -> None:
    html = render("[a](https://a.example) and https://b.example")
    assert html.count('rel="noopener noreferrer nofollow ugc"') == 2


def test_deep_nesting_and_long_lines_are_rendered() -> None:
    render(">" * 5000 + "x")
    render("*" * 5000 + "[" * 5000 + "(" * 5000)
    render("- " * 2000)
