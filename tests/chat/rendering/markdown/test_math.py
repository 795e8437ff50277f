"""Formulas are drawn or shown as written; prices and escapes are not formulas."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.rendering.markdown import render
from chat.rendering.markdown.growing import whole
from tests.chat.rendering.allowed_html import AllowedHtml
from tests.dom import dom

BODIES = (
    "x",
    "a_1*b*c",
    "*x*",
    "_x_ [y](z)",
    "\\frac{a}{b} \\, \\{ \\}",
    "<b>&amp;",
    "**",
)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    "marks",
    [("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$"), ("\\\\(", "\\\\)")],
)
@pytest.mark.parametrize(
    "around", ["{}", "see {}.", "- {}", "|a|\n|-|\n|{}|", "是{}的"]
)
def test_a_formula_keeps_all_its_marks(
    body: str, marks: tuple[str, str], around: str
) -> None:
    formula = body.join(marks)
    html = render(around.replace("{}", formula))
    assert formula in AllowedHtml(html).text
    assert "<em>" not in html
    assert ".math" in dom(html)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("$$", "$$"),
        ("\\[", "\\]"),
        ("\\begin{align*}", "\\end{align*}"),
        ("\\\\[", "\\\\]"),
    ],
)
@pytest.mark.parametrize("before", ["", "> ", "- ", "So:\n"])
def test_a_formula_of_several_lines_is_a_block(
    begin: str, end: str, before: str
) -> None:
    lines = [begin, "a &= *b* \\\\", "- c", "= d", "# e", "| f |", f"{end}."]
    inner = " " * len(before) if before == "- " else before.replace("So:\n", "")
    text = before + f"\n{inner}".join(lines) + f"\n{inner}after *it*"
    html = render(text)
    assert "\n".join(lines) in AllowedHtml(html).text
    assert "after <em>it</em>" in html
    assert "<h" not in html


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $6*2*",
        "$5 *now*, then 10$",
        "US$5 *or* AU$6",
        "$5-$10 *it* 5$",
        "$5k *x* y$",
        "$5: *x*$",
        "5$ *or* 6$",
        "$HOME *and* $PATH",
        "$a$5 *x*$",
        "$ a *b*$",
        "$a *b* $",
        "a $ *b* $ c",
        "\\$5 *x*\\$",
        "\\( *x*",
        "*x* \\)",
        "$$ *x*",
        "$$ *x*\n\n$$",
        "Cheap: $$\n- *a* $\n- b $$",
        "`$$` *a*\n\nand `$$`",
        "\\begin{a} *x* \\end{b}",
    ],
)
def test_everything_else_is_text(text: str) -> None:
    html = render(text)
    assert ".math" not in dom(html)
    assert "<em>" in html


@pytest.mark.parametrize(
    ("text", "bold"),
    [
        ("**$5** (in **US$**)", ["$5", "US$"]),
        ("Pay **$5** *now* or **A$**.", ["$5", "A$"]),
        ("__$5__ and __US$__", ["$5", "US$"]),
        ("**from $5** to **10$**", ["from $5", "10$"]),
        ("**$5.50**, then 10$", ["$5.50"]),
        ("**$5k** – **US$**", ["$5k", "US$"]),
        ("**A cost of $x** or **y$**", ["A cost of $x", "y$"]),
        ("合計**$5**（**US$**）", ["$5", "US$"]),
    ],
)
def test_prices_in_bold_are_no_formula(text: str, bold: list[str]) -> None:
    html = render(text)
    assert ".math" not in dom(html)
    assert re.findall("<strong>(.*?)</strong>", html) == bold


@pytest.mark.parametrize(
    "formula",
    ["$5*x$", "$5**2$", "$x^* + y^*$", "$a * b * c$", "$2*x*3$", "$a_1 + b_2$"],
)
def test_a_formula_with_stars_is_a_formula(formula: str) -> None:
    assert f'<span class="math">{formula}</span>' in render(f"so {formula} holds")
    assert f'<span class="math">{formula}</span>' in render(f"**{formula}** holds")


@pytest.mark.parametrize("mark", ["$$", "\\[", "\\begin{align}"])
@pytest.mark.parametrize("before", ["", "So:\n", "> ", "- "])
def test_a_formula_that_was_cut_keeps_its_marks(mark: str, before: str) -> None:
    inner = {"> ": "> ", "- ": "  "}.get(before, "")
    html = render(f"{before}{mark}\n{inner}a_1 * *b* \\,\n{inner}- c")
    assert f'<div class="math">{mark}\na_1 * *b* \\,\n- c</div>' in html


@pytest.mark.parametrize("begin", ["\\(", "\\[", "$$", "\\begin{align}"])
@pytest.mark.parametrize(
    "around", ["so {}", "- a\n- so {}", "> so {}", "|a|\n|-|\n|so {}"]
)
def test_an_open_formula_in_a_line_that_grows_is_shown_as_written(
    begin: str, around: str
) -> None:
    written = f"{begin}a_1 ** b*c*d \\, `"
    html = whole(around.replace("{}", written))
    assert f'<span class="math">{written}</span>' in html
    # A blank line tells that the marks were none.
    assert ".math" not in dom(whole(f"so {written}\n\n"))


FORMULAS = (
    ("$$\nx*y*z\n\na*b*c\n$$", "div"),
    ("\\[\nx*y*\n\n- a*b*c\n\\]", "div"),
    ("\\begin{equation}\na*b*\n\n# c\n\\end{equation}", "div"),
    ("\\[\na*b*c\n- d*e*f\n\\] which is", "span"),
    ("\\[\na*b*c\n\n- d*e*f\n\\] which is", "span"),
    ("So \\[ a\n+ b*c*d\n= e \\] ok", "span"),
    ("So $$ a\n- b*c*d\n$$ ok", "span"),
    ("So:\nfirst \\( a\n1. b*c* \\) and \\[ a\n> b*c*\n# d \\] too", "span"),
)


@pytest.mark.parametrize(("text", "tag"), FORMULAS)
@pytest.mark.parametrize("around", ["{}", "- {}", "> {}", "{}\n\n*after*"])
def test_a_formula_of_several_lines_keeps_all_its_marks(
    text: str, tag: str, around: str
) -> None:
    inner = {"- {}": "  ", "> {}": "> "}.get(around, "")
    html = render(around.replace("{}", text.replace("\n", f"\n{inner}")))
    assert text in AllowedHtml(html.replace("<br />\n", "\n")).text
    assert f'<{tag} class="math' in html
    assert html.count("<em>") == around.count("*after*")


def test_escapes_are_not_formulas() -> None:
    assert (
        AllowedHtml(render("\\*a\\* \\$5 \\# \\_ C:\\\\x")).text == "*a* $5 # _ C:\\x\n"
    )


def test_code_is_not_a_formula() -> None:
    html = render("`\\(a` *b* `c\\)` `$x$`")
    assert "<code>\\(a</code> <em>b</em> <code>c\\)</code> <code>$x$</code>" in html


@settings(max_examples=200, deadline=None)
@given(st.text("ab*_ <[]()`\\$&{}12\n", max_size=60).map(str.strip))
def test_any_text_between_the_marks_stays(body: str) -> None:
    if not body or "\\" in body or "\n" in body:
        return
    assert f"\\({body}\\)" in AllowedHtml(render(f"\\({body}\\)")).text
