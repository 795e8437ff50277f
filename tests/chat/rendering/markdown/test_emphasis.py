"""Emphasis in scripts without spaces; other scripts are unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from chat.rendering.markdown import render
from chat.rendering.markdown.emphasis import UnspacedInlineParser
from tests.environment import IS_SOAK
from tests.everyday_replies import REPLIES
from tests.hostile_replies import corpus

LATIN = "ab1 é\u00a0ж\u05d0*_~\n\"'.,:!?()[]`-“”«»…—$&\\<>😀"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**Markdown（マークダウン）**は", "<b>Markdown（マークダウン）</b>は"),
        ("これは**「強調」**です", "これは<b>「強調」</b>です"),
        ("她说**“你好”**然后", "她说<b>“你好”</b>然后"),
        ("**注意：**请看", "<b>注意：</b>请看"),
        ('**이것은 "강조"**입니다', '<b>이것은 "강조"</b>입니다'),
        ("**마크다운(Markdown)**은", "<b>마크다운(Markdown)</b>은"),
        ("*（斜体）*も", "<i>（斜体）</i>も"),
        ("それを~~「取消」~~した", "それを<s>「取消」</s>した"),
        ('นี่คือ**"ตัวหนา"**ครับ', 'นี่คือ<b>"ตัวหนา"</b>ครับ'),
        ("**`code`**を使う", "<b>`code`</b>を使う"),
        ("第**1.**章", "第<b>1.</b>章"),
        ("葛\U000e0100**「葛」**", "葛\U000e0100<b>「葛」</b>"),
        ("***「両方」***が", "<i><b>「両方」</b></i>が"),
        ("**a。**b", "<b>a。</b>b"),
        ("**　全角**は", "**　全角**は"),
        ("** 漢字 **は", "** 漢字 **は"),
        ("漢字_「字」_漢字", "漢字_「字」_漢字"),
        ("**a.**b", "**a.**b"),
    ],
)
def test_marks_beside_unspaced_scripts_are_emphasis(text: str, shown: str) -> None:
    html = render(text).strip().removeprefix("<p>").removesuffix("</p>")
    for tag, short in (("strong", "b"), ("em", "i")):
        html = html.replace(f"<{tag}>", f"<{short}>").replace(
            f"</{tag}>", f"</{short}>"
        )
    html = html.replace("<code>", "`").replace("</code>", "`").replace("&quot;", '"')
    assert html == shown


def both(text: str) -> tuple[str, str]:
    """Return HTML of the library without and with the amendment."""
    amended = MarkdownIt()
    amended.inline = UnspacedInlineParser()
    amended.configure("gfm-like", {"html": False})
    stock = MarkdownIt("gfm-like", {"html": False})
    for parser in (stock, amended):
        parser.disable("linkify")
    return stock.render(text), amended.render(text)


@settings(max_examples=5000 if IS_SOAK else 100, deadline=None)
@given(st.text(LATIN, max_size=60))
def test_other_scripts_are_unchanged(text: str) -> None:
    stock, amended = both(text)
    assert stock == amended


def test_replies_without_such_scripts_are_unchanged() -> None:
    for text in [*REPLIES, *corpus(1 if IS_SOAK else 40)]:
        if not any(character >= "\u0e00" for character in text):
            stock, amended = both(text)
            assert stock == amended
