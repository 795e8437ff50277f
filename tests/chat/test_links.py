"""Links in what a model writes: what is one, and where it is said to lead."""

from __future__ import annotations

import pytest

from chat.markdown import render
from tests.chat.shown import Shown


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://a.example/b_c_d.", "https://a.example/b_c_d"),
        ("(https://a.example/b_(c))", "https://a.example/b_(c)"),
        ("**https://a.example**", "https://a.example"),
        ("HTTP://a.example:8000/?q=1#x,", "HTTP://a.example:8000/?q=1#x"),
        ("<https://a.example>", "https://a.example"),
        ("http://[::1]/x", "http://[::1]/x"),
        ("https://пример.example/x", "https://xn--e1afmkfd.example/x"),
        ("https://a.example/日本。そして", "https://a.example/%E6%97%A5%E6%9C%AC"),
        ("[x](https://a.example/b 'c')", "https://a.example/b"),
        ("[x][a]\n\n[a]: https://a.example", "https://a.example"),
    ],
)
def test_web_addresses_are_links(text: str, address: str) -> None:
    assert {*Shown(render(text)).links} == {address}


@pytest.mark.parametrize(
    "text",
    [
        *("a.example", "www.a.example", "x@a.example", "<x@a.example>", "xhttps://a"),
        *("[x](/settings/)", "[x](#text)", "[x](//a.example)", "[x](mailto:a@b.c)"),
        *(
            "[x](https:a.example)",
            "[x](ftp://a.example)",
            "[x](data:image/png;base64,)",
        ),
        *("[x](https://b.example@a.example)", "https://u:p@a.example", "http://:80"),
        *(
            "[x](https://a.example%5C@b.example/)",
            "[x](https://a%2eexample)",
            "https://",
        ),
        *("https://a.example/" + "x" * 3000, "[x](https://" + "a" * 3000 + ")"),
    ],
)
def test_all_else_is_text(text: str) -> None:
    shown = Shown(render(text))
    assert shown.links == []
    assert "x" in shown.text or "a" in shown.text or "http" in shown.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[here](https://a.example/x)", "here (a.example)"),
        ("[https://b.example](https://a.example)", "https://b.example (a.example)"),
        ("[a.example.b.example](https://a.example)", "a.example.b.example (a.example)"),
        ("[a.example/x](https://a.example/y)", "a.example/x"),
        ("[HTTPS://A.example](https://a.example)", "HTTPS://A.example"),
        ("https://а.example", "https://а.example (xn--80a.example)"),
        ("[](https://a.example)", "https://a.example"),
        ("![cat](https://a.example/c.png)", "!cat (a.example)"),
        ("[`a`](https://a.example:8000)", "a (a.example:8000)"),
    ],
)
def test_a_link_says_its_host_unless_its_text_does(text: str, shown: str) -> None:
    assert Shown(render(text)).text.strip("\n") == shown
