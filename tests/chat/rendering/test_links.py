"""Links in a model's text: what becomes a link, and which host is shown."""

from __future__ import annotations

import pytest

from chat.rendering.markdown import render
from tests.chat.rendering.allowed_html import AllowedHtml


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
    assert {*AllowedHtml(render(text)).links} == {address}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "参照（{}）。",
            "次「{}」も",
            "『{}』と",
            "【{}】を",
            "《{}》和",
            "〈{}〉が",
            "〔{}〕の",
        ),
        *(
            "見{}（例）です",
            "見{}「例」",
            "｢{}｣も",
            "［{}］と",
            "参照({})を見る",
            "[{}]を",
        ),
        *(
            "“{}”然后",
            "«{}» или",
            "„{}“ und",
            "看{}！",
            "看{}？好",
            "如{}：好",
            "{}、{}。",
        ),
        *("‘{}’ is", "راجع {}، ثم", "देखें {}।", "（({})）", "**「{}」**は", "{}）（{}"),
    ],
)
def test_brackets_and_stops_of_any_script_end_an_address(text: str) -> None:
    address = "https://a.example/x?y=1"
    shown = AllowedHtml(render(text.replace("{}", address)))
    assert shown.links == [address] * text.count("{}")
    assert shown.text.strip() == text.replace("{}", address).replace("**", "")


@pytest.mark.parametrize(
    "address",
    [
        "https://a.example/b_(c)_d",
        "https://a.example/(a)[b](c)",
        "https://a.example/東京",
        "https://a.example/l’amour",
        "https://[::1]/x",
    ],
)
def test_brackets_in_pairs_and_letters_belong_to_an_address(address: str) -> None:
    assert f">{address}</a>" in render(f"({address})")


@pytest.mark.parametrize(
    ("written", "address", "said"),
    [
        (r"https://a.example/foo\_bar_baz", "https://a.example/foo_bar_baz", None),
        ("https://a.example/?a=1&amp;b=2", "https://a.example/?a=1&b=2", None),
        ("https://a.example/&#x41;", "https://a.example/A", None),
        (
            r"<https://a.example/a\>b>",
            "https://a.example/a%3Eb",
            "https://a.example/a>b",
        ),
        (r"https://a.example/\x", "https://a.example/%5Cx", r"https://a.example/\x"),
    ],
)
def test_a_definition_links_to_the_same_address_as_its_references(
    written: str, address: str, said: str | None
) -> None:
    other = "[a]: https://b.example/other"
    shown = AllowedHtml(
        render(f"[a]: {written}\n{other}\n> [c]: {written}\n\nsee [a] and [c]")
    )
    assert shown.links == [address, "https://b.example/other", *[address] * 3]
    assert f"[a]: {said or address}\n" in shown.text


@pytest.mark.parametrize(
    "text",
    [
        *("a.example", "www.a.example", "x@a.example", "<x@a.example>", "xhttps://a"),
        *(
            "[x]()",
            "[x *a*]()",
            "[x](/settings/)",
            "[x](#text)",
            "[x](//a.example)",
            "[x](mailto:a@b.c)",
        ),
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
def test_everything_else_is_text(text: str) -> None:
    shown = AllowedHtml(render(text))
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
def test_a_link_shows_its_host_unless_its_text_does(text: str, shown: str) -> None:
    assert AllowedHtml(render(text)).text.strip("\n") == shown
