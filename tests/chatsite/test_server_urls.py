"""URLs of servers mean the same to all clients, or are refused without a secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.core.mail.message import sanitize_address
from django.db import ConnectionHandler
from hypothesis import example, given
from hypothesis import strategies as st
from kombu import Connection

from chatsite import database_url, hosts, mail_url, redis_url
from chatsite.server_url import BadUrl

PARTS = ("db", "username", "password", "host", "port", "path")


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://h/2",
        "redis://h:7000?db=3",
        "redis://[::1]:7000/2",
        "redis://[fe80::1%25eth0]/2",
        "redis://[fe80::1%12]/2",
        "redis://us%40er:p%2Fw%23%3F%3A%25;+@h:1/0",
        "redis://:a@b@h/1",
        "redis://:100%@h/1",
        "rediss://u:p@h/4",
        "rediss://u:p@h/4?ssl_cert_reqs=none",
        "unix:///run/r.sock",
        "unix:///run/a%20b%23c+d%25.sock?db=2",
        "unix://u:p%2B+@/run/r.sock?db=2",
    ],
)
def test_mailbox_and_broker_mean_the_same_database(url: str) -> None:
    address = redis_url.parse(url)
    ours = redis.Redis(**address.client_options()).connection_pool.connection_kwargs
    with Connection(
        address.broker_url(), transport="redis", ssl=dict(address.tls) or None
    ) as broker:
        channel = broker.transport.Channel.__new__(broker.transport.Channel)
        channel.connection = broker.transport
        channel._max_priority, channel.max_connections = None, 1
        theirs = channel._connparams()
    assert {p: ours.get(p) or None for p in PARTS} == {
        p: theirs.get(p) or None for p in PARTS
    }


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "redis:h",
        "redis://h/mydb",
        "redis://h/-1",
        "redis://h/１",
        "redis://h/1?db=2",
        "redis://h?socket_timeout=1",
        "redis://h?ssl_cert_reqs=none",
        "redis://[::1",
        "redis://hun]ter2@h",
        "redis://web:hun/ter2@h",
        "redis://web:12/hunter2@h",
        "redis://:hun#ter2@h",
        "redis://:12#hunter2@h",
        "redis://:12?hunter2@h",
        "redis://:hunter2",
        "redis://h:0/0",
        "redis://h:65536",
        "redis://h:８０",
        "redis://a b/0",
        "redis://a,b/0",
        "unix://host/run/r.sock",
        "unix:///",
        "unix:///run/r.sock?virtual_host=2",
        "unix:///run/r.sock?ssl_cert_reqs=none",
        "redis://%2Frun%2Fhunter2.sock/0",
        "unix:///run/hun%00ter2",
        "redis://:hun%00ter2@h",
        "redis://h%00unter2",
        "rediss://h?ssl_ca_certs=hun%00ter2",
        "redis://h%E9",
    ],
)
def test_a_redis_url_with_two_meanings_is_refused(url: str) -> None:
    with pytest.raises(BadUrl) as bad:
        redis_url.parse(url)
    assert "hun" not in str(bad.value) and "ter2" not in str(bad.value)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:////a/my+db", "/a/my+db"),
        ("sqlite:////a/100%25%20%23%3F", "/a/100% #?"),
        ("sqlite:////a/[b];c", "/a/[b];c"),
        ("sqlite:////a/%2Bb", "/a/+b"),
        ("sqlite:////a/caf%C3%A9", "/a/café"),
        ("sqlite:////a/caf%E9", os.fsdecode(b"/a/caf\xe9")),
    ],
)
def test_a_plus_in_a_file_name_stays_a_plus(url: str, name: str) -> None:
    assert database_url.parse(url)["NAME"] == name


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgres://u:p+w%2F@h:1/n", ("u", "p+w/", "h", "1", "n")),
        ("postgresql://h/n", ("", "", "h", "", "n")),
        ("postgres://u@[::1]:5/n", ("u", "", "::1", "5", "n")),
        ("postgres://u@a:1,b:2/n", ("u", "", "a,b", "1,2", "n")),
        ("postgres://u@%2Frun%2Fpg/n", ("u", "", "/run/pg", "", "n")),
        ("postgres:////run/pg/n", ("", "", "/run/pg", "", "n")),
    ],
)
def test_a_postgresql_url_has_its_parts(url: str, parts: tuple[str, ...]) -> None:
    found = database_url.parse(url)
    assert (
        tuple(found[p] for p in ("USER", "PASSWORD", "HOST", "PORT", "NAME")) == parts
    )


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite://",
        "sqlite://:memory:",
        "sqlite:///a?b",
        "sqlite:///a#b",
        "sqlite:///a/",
        "mysql://u:hunter2@h/n",
        "postgres://[hunter2@h/n",
        "postgres://u:hun/ter2@h/n",
        "postgres://u:1#hunter2@h/n",
        "postgres://u:1?hunter2@h/n",
        "postgres://u:hunter2@h",
        "postgres://u:hunter2@h/n?connect_timeout",
        "postgres://u:hunter2@h/n?CONN_MAX_AGE=x",
        "sqlite:////a/hun%00ter2",
        "postgres://h/hun%00ter2",
        "postgres://h/hun%E9ter2",
        "postgres://%2Frun%2Fhun%00ter2/n",
        "postgres://h/n?application_name=hun%E9ter2",
        "postgres://h/n?isolation_level=9",
        "postgres://h/n?isolation_level=hunter2",
        "postgres://h/n?server_side_binding=hunter2",
    ],
)
def test_a_database_url_with_two_meanings_is_refused(url: str) -> None:
    with pytest.raises(BadUrl) as bad:
        database_url.parse(url)
    assert "hun" not in str(bad.value) and "ter2" not in str(bad.value)


def test_a_password_for_mail_is_taken_literally() -> None:
    found = mail_url.parse("smtp+tls://me%40x:a+b%2Fc@h:587")
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("me@x", "a+b/c")
    for bad in ("smtp://u:hun/ter2@h", "smtp://[h", "smtp://", "smtp://h?x=1"):
        with pytest.raises(BadUrl):
            mail_url.parse(bad)


@pytest.mark.parametrize(
    ("raw", "host"),
    [
        ("Chat.Example.ORG:8000", "chat.example.org"),
        ("chat.example.org.", "chat.example.org"),
        (".example.org", ".example.org"),
        ("*", "*"),
        ("[::1]:8000", "[::1]"),
        ("::1", "[::1]"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("my_host", "my_host"),
        ("10.0.0.7:80", "10.0.0.7"),
    ],
)
def test_a_host_is_written_as_django_compares_it(raw: str, host: str) -> None:
    assert hosts.allowed_host(raw) == host


@pytest.mark.parametrize(
    "raw", ["https://a.example", "*.example.org", "a b", "a/", "[::1", "[x]", "u@h", ""]
)
def test_an_invalid_host_is_refused(raw: str) -> None:
    with pytest.raises(ValueError):
        hosts.allowed_host(raw)


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("*", "0.0.0.0"),
        ("[::1]", "::1"),
        ("::", "::"),
        ("localhost", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_the_server_listens_where_the_check_tries(raw: str, address: str) -> None:
    bind = hosts.bind_address(raw)
    _, (tried, port) = hosts.resolve(bind, 8000)
    brackets = f"[{tried}]" if ":" in tried else tried
    assert (tried, hosts.listening(bind, 8000)) == (address, f"{brackets}:{port}")


@pytest.mark.parametrize(
    "raw",
    ["127.1", "0x7f.1", "1", "[127.0.0.1", "[localhost]", "a b", "h:1", "-h", "/s"],
)
def test_an_invalid_address_to_listen_on_is_refused(raw: str) -> None:
    with pytest.raises(ValueError):
        hosts.bind_address(raw)


def test_a_path_never_becomes_a_url(tmp_path: Path) -> None:
    path = tmp_path / "c++ #1 ?%41" / "db"
    assert database_url.sqlite_at(path)["NAME"] == str(path)


def test_options_of_libpq_and_django_are_passed_on() -> None:
    url = "postgres://h/n?sslmode=require&isolation_level=2&server_side_binding=false"
    assert database_url.parse(url)["OPTIONS"] == {
        "sslmode": "require",
        "isolation_level": 2,
        "server_side_binding": False,
    }


@pytest.mark.parametrize("option", ["hunter=2", "pool=1"])
def test_an_unknown_option_of_a_connection_is_refused(option: str) -> None:
    database = database_url.parse(f"postgres://h/n?{option}&isolation_level=2")
    database["ENGINE"] = "chatsite.postgresql"
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as error:
        ConnectionHandler({"default": database})["default"].get_connection_params()
    assert "hunter" not in str(error.value)


@pytest.mark.parametrize("url", ["smtp://%2Fx", "smtp://u:p%00@h", "smtp://h%00"])
def test_a_mail_url_needs_one_host(url: str) -> None:
    with pytest.raises(BadUrl):
        mail_url.parse(url)


@pytest.mark.parametrize(
    "raw",
    [
        *("a@b", "Chat <chat@example.org>", "Chat e.V. <a@b>", "Chät <chat@bücher.de>"),
        *('"Chat, Inc." <a@b>', "chatsite@localhost"),
    ],
)
def test_mail_can_be_sent_from_an_address(raw: str) -> None:
    assert mail_url.is_sender(raw)
    assert EmailMessage("s", "b", raw, ["x@example.org"]).message()["From"]


@pytest.mark.parametrize(
    "raw",
    [
        *("a@b, c@d", "<a@b", "a@b>", "Chat, Inc. <a@b>", '"Chat <a@b>', "a b@c"),
        *("x: a@b;", "a@b <c@d> <e@f>", "a@b@c", "Chat", "@", "a..b@c"),
        *('"', "<", ".:", ":;a", "a@[", ", .@", ",a@b", "a@b,", "a<@b:"),
    ],
)
def test_a_sender_is_exactly_one_address(raw: str) -> None:
    assert not mail_url.is_sender(raw)


@given(st.text('"<>@,;:\\()[] .ab', max_size=8))
@example("a@b")
def test_any_text_is_a_sender_of_mail_or_refused(raw: str) -> None:
    if mail_url.is_sender(raw.strip()):
        assert sanitize_address(raw.strip(), "utf-8")
