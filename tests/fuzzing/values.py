"""Values that somebody's program, or somebody with time, might send."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote_from_bytes

from tests.cookie_names import GUEST, LANGUAGE, LIST, SESSION, THEME, TOKEN, ZONE

Random = random.Random
Pairs = Sequence[tuple[str, str]]

#: Of the account: what asks for them must be passed to see what lies behind it.
NAME, PASSWORD = "someone", "a long password"
ODD = (
    *(
        "",
        " ",
        "0",
        "1",
        "-1",
        "2",
        "01",
        "1.5",
        "1e309",
        "NaN",
        "-Infinity",
        "Infinity",
    ),
    *("9" * 20, "9" * 5000, "-" + "9" * 30, "0x10", "\u0661\u0662", "\uff11", "1_000"),
    *("true", "null", "[]", "{}", "None", "undefined", "on", "off", "<script>", "'--"),
    *("\0", "a\0b", "\ud800", "\udfff\ud800", "\ufffe", "\ufeff", "\u202e", "\x1b[0m"),
    *(
        "\r\n",
        "a\r\nSet-Cookie: a=b",
        "%00",
        "%ff",
        "%",
        "../../etc/passwd",
        "..\\",
        "/",
    ),
    *(
        "e\u0301" * 500,
        "a" * 9000,
        "\U0001f469" * 300,
        "{{ settings }}",
        "${7*7}",
        ":",
        "::",
    ),
    *("00000000-0000-0000-0000-000000000000", "{12345678123456781234567812345678}"),
    *(
        "1" * 32,
        "urn:uuid:" + "1" * 32,
        "2026-02-30",
        "0-" + "1" * 32,
        "9" * 16 + "-" + "f" * 32,
    ),
    *(
        "no@where@",
        "a@b.example",
        "a" * 200,
        "root",
        "light",
        "scripted",
        "/\\evil.example",
    ),
)
CONTENT_TYPES = (
    *(
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "text/plain",
    ),
    *(
        "application/json",
        "application/json; charset=utf-16",
        "APPLICATION/JSON ; a",
        "",
    ),
    *(
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=b",
    ),
    *(
        "application/x-www-form-urlencoded; charset=bogus",
        "text/html; charset=\xff",
        ";",
    ),
    *(
        "application/x-www-form-urlencoded; charset=utf-7",
        "a/b; charset*=UTF-8''base64; boundary=" + "b" * 300,
    ),
    *(
        "application/x-www-form-urlencoded; charset=utf-16",
        "multipart/form-data; boundary=\xe9",
    ),
    "x" * 5000,
)
#: Names as WSGI has them.
HEADERS: dict[str, Sequence[str]] = {
    "HTTP_HOST": (
        "evil.example",
        "testserver:99999",
        "[::1",
        "",
        "a b",
        "testserver\0",
        "..",
        "\xff",
    ),
    "SERVER_PORT": ("0", "99999"),
    # Servers refuse what is no number.
    "CONTENT_LENGTH": ("", "99999999999", "0", "1"),
    "HTTP_ACCEPT_LANGUAGE": (
        "de;q=x",
        "*",
        "xx-" * 300,
        "\0",
        "en;q=1e999",
        ",,,;;;",
        "../en",
        "zh-Hant-\xff",
    ),
    "HTTP_ACCEPT": ("", "*/*;q=\xff", "text/html" * 99),
    "HTTP_ACCEPT_ENCODING": ("gzip;q=x", "br, \0", "gzip"),
    "HTTP_HX_REQUEST": ("true", "true", "true", "false", "\0", "TRUE"),
    "HTTP_HX_BOOSTED": ("true", "x"),
    "HTTP_HX_CURRENT_URL": (
        "http://[",
        "javascript:x",
        "%%%",
        "http://testserver/?\0",
        "//[::1",
    ),
    "HTTP_HX_CURRENT_URL_URI_AUTOENCODED": ("true", "x"),
    "HTTP_HX_HISTORY_RESTORE_REQUEST": ("true",),
    "HTTP_HX_TARGET": ("poller", "\0", "<script>"),
    "HTTP_HX_TRIGGER": ("x" * 5000, "%E2%28%A1"),
    "HTTP_HX_TRIGGER_URI_AUTOENCODED": ("true",),
    "HTTP_HX_PROMPT": ("\xff\xfe",),
    "HTTP_SEC_FETCH_SITE": ("cross-site", "same-site", "", "none", "same-origin", "\0"),
    "HTTP_ORIGIN": (
        "null",
        "http://[",
        "http://evil.example",
        "",
        "http://testserver",
        "//[::1",
        "http://[::1]x",
    ),
    "HTTP_REFERER": (
        "http://[",
        "https://evil.example/",
        "\xff",
        "",
        "http://testserver/c/",
    ),
    "HTTP_X_FORWARDED_FOR": (
        "1.2.3.4, x",
        "::1, \0",
        "9" * 500,
        ",",
        "[::1]:99",
        "1.2.3.4%00",
        "unknown",
    ),
    "HTTP_X_FORWARDED_PROTO": ("https", "\0"),
    "HTTP_X_FORWARDED_HOST": ("evil.example",),
    "HTTP_FORWARDED": ('for="[::1', "for=_x;by=;;"),
    "REMOTE_ADDR": ("", "not an address", "::ffff:1.2.3.4", "fe80::1%eth0", "1.2.3.4"),
    "HTTP_PAGE_LANGUAGE": ("", "en", "\xff", "../en", "e" * 3000),
    "HTTP_IDEMPOTENCY_KEY": (
        "",
        "k",
        "k" * 300,
        "\xff\xfe",
        "a\x7fb",
        "\0",
        "key-1",
        "\xc3\xa9",
    ),
    "HTTP_IF_NONE_MATCH": ('W/"', "*", '"\xff'),
    "HTTP_IF_MODIFIED_SINCE": ("yesterday", "Thu, 99 Foo 9999 99:99:99 GMT", "9" * 99),
    "HTTP_RANGE": ("bytes=9-1", "bytes=a", "bytes=0-" + "9" * 99),
    "HTTP_X_CSRFTOKEN": ("", "x" * 64, "\xff" * 32, "\0"),
    "HTTP_X_HTTP_METHOD_OVERRIDE": ("DELETE",),
    "HTTP_AUTHORIZATION": ("Basic !!!", "Bearer \xff", "Negotiate"),
    "HTTP_EXPECT": ("100-continue",),
    "HTTP_TRANSFER_ENCODING": ("chunked",),
    "HTTP_USER_AGENT": ("", "\xff" * 3000),
}
COOKIES = (
    SESSION,
    "sessionid",
    GUEST,
    "guest",
    TOKEN,
    "csrftoken",
    LIST,
    THEME,
    "theme",
    LANGUAGE,
    ZONE,
    "tz",
    "django_language",
    "messages",
    "",
)
COOKIE_VALUES = (
    *(
        "",
        "x",
        "\0",
        "\xff\xfe",
        '"',
        '"unclosed',
        "a;b=c",
        "x" * 4000,
        "..",
        "../../etc/localtime",
    ),
    *(
        "Europe/Nowhere",
        "Etc",
        "zone.tab",
        "posixrules",
        "x:y:z",
        ":1:",
        "a" * 32,
        "deleted",
    ),
    *(
        "00000000-0000-0000-0000-000000000000:1abc:sig",
        "[[",
        "\xe2\x80\xae",
        "dark",
        "=",
        "é",
    ),
)


def path_value(r: Random, ids: Sequence[str], others: Sequence[str]) -> str:
    """Mostly something that is there."""
    chance = r.random()
    if chance < 0.7 and ids:
        return r.choice(ids)
    if chance < 0.85 and others:
        return r.choice(others)
    return r.choice(ODD)[:300]


def value(r: Random, ids: Sequence[str], name: str = "") -> str:
    """A text is never what an address may hold as well: no log may hold a text, and
    addresses are logged."""
    known = {"password": PASSWORD, "username": NAME, "csrfmiddlewaretoken": ""}
    for part, right in known.items():
        if part in name and r.random() < 0.6:
            return right
    chance = r.random()
    if chance < 0.3:
        return (
            r.choice(ids)
            if chance < 0.15 and ids and name != "text"
            else f"words {r.randrange(10)}"
        )
    odd = r.choice(ODD)
    return f"said {odd}" if name == "text" and len(odd) >= 8 else odd


def json_value(r: Random, ids: Sequence[str], depth: int = 0) -> Any:
    chance = r.random()
    if chance < 0.6 or depth > 3:
        return value(r, ids)
    if chance < 0.8:
        return r.choice(
            (None, True, 0, -1, 1.5, 10**30, 1e308, float("nan"), float("inf"))
        )
    if chance < 0.9:
        return [json_value(r, ids, depth + 1) for _ in range(r.randrange(3))]
    return {value(r, ids)[:20]: json_value(r, ids, depth + 1) for _ in range(2)}


def urlencoded(r: Random, pairs: Pairs) -> bytes:
    """As browsers write it; a surrogate becomes bytes that are no UTF-8."""
    said = [f"{_quoted(name)}={_quoted(text)}" for name, text in pairs]
    return r.choice("&&&&&&&;").join(said).encode("latin-1")


def _quoted(text: str) -> str:
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"))


def multipart(r: Random, pairs: Pairs) -> bytes:
    parts = []
    for name, text in pairs:
        file = r.choice(("", "", "", '; filename="x.txt"', '; filename="../../\0"'))
        extra = r.choice(
            ("", "", "Content-Transfer-Encoding: base64\r\n", "Content-Type: \xff\r\n")
        )
        head = (
            f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{extra}\r\n'
        )
        parts.append(
            head.encode("utf-8", "surrogatepass")
            + text.encode("utf-8", "surrogatepass")
        )
    return b"\r\n".join([*parts, b"--b--\r\n"])


def broken(r: Random, body: bytes) -> bytes:
    """Cut off, doubled, with wrong bytes in it, or something else entirely."""
    place = r.randrange(len(body) + 1)
    return r.choice(
        (
            body[:place],
            body[place:],
            body + body,
            body[:place] + bytes(r.randrange(256) for _ in range(5)) + body[place:],
            b"\xff\xfe\x00" + body,
            b"[" * 100_000,
            b'{"text":' * 20_000,
            b'{"text": ' + b"9" * 6000 + b"}",
            b'{"text": "\\ud800", "title": "\\u0000"}',
            b"&" * 1500,
            b"a=&" * 1200,
            b"--b\r\n" * 300,
            b"",
        )
    )


def body(
    r: Random, pairs: Pairs, ids: Sequence[str], *, is_json: bool
) -> tuple[bytes, str]:
    """A body and the type it is said to have; mostly one that is read to its end."""
    if is_json:
        object_ = {
            name: text if name == "text" or r.random() < 0.6 else json_value(r, ids)
            for name, text in pairs
        }
        said, kind = json.dumps(object_).encode(), "application/json"
    elif r.random() < 0.2:
        said, kind = multipart(r, pairs), "multipart/form-data; boundary=b"
    else:
        said, kind = urlencoded(r, pairs), "application/x-www-form-urlencoded"
    if r.random() < 0.12:
        said = broken(r, said)
    if r.random() < 0.12:
        kind = r.choice(CONTENT_TYPES)
    return said, kind
