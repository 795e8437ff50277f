"""Types of settings: which values they take, and how they refuse others."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatsite.hosts import allowed_hosts
from chatsite.redis_url import parse
from chatsite.setting_types import BadValue, ContactAddress, VapidKey
from chatsite.settings_table import SETTINGS, addresses, limits, mail, storage


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("DEBUG", "perhaps"),
        ("WORKER_SLOTS", "0"),
        ("WORKER_SLOTS", "two"),
        ("LEASE_SECONDS", "nan"),
        ("LEASE_SECONDS", "inf"),
        ("REDIS_URL", "localhost:6379"),
        ("DATABASE_URL", "nonsense"),
        ("MESSAGE_MAX_CHARACTERS", "-1"),
        ("MESSAGE_MAX_CHARACTERS", "50000000"),
        ("INSTRUCTIONS_MAX_CHARACTERS", "50000000"),
        ("MAIL_FROM", "a@b, c@d"),
        ("WORKER_DEVICE", "cuda:٣"),
        ("GUEST_MESSAGES_PER_DAY", "-1"),
        ("NETWORK_TOKENS_PER_DAY", "1e6"),
        ("ACCOUNT_REPLIES_WAITING", "none"),
        ("TRUSTED_PROXIES", "proxy.example.org"),
        ("WEBHOOK_PRIVATE_NETWORKS", "home"),
        ("WEBHOOK_PRIVATE_NETWORKS", "192.168.1.1/16"),
        ("SITE_URL", "chat.example.org"),
        ("SITE_URL", "https://chat.example.org/chat"),
        ("SITE_URL", "https://*.example.org"),
        ("CSRF_TRUSTED_ORIGINS", "https://chat.example.org/chat"),
        ("URL_PREFIX", "chat/"),
        ("SCRIPT_NAME", "chat"),
        ("PROXY_SCHEME_HEADER", "X-Forwarded-Proto: https"),
        ("EMAIL_URL", "mail.example.org"),
        ("EMAIL_URL", "pigeon://mail.example.org"),
        ("PASSWORD_MIN_CHARACTERS", "4"),
        ("RETENTION_DAYS", "-1"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    setting = SETTINGS.get(name, addresses.URL_PREFIX)
    with pytest.raises(ImproperlyConfigured, match=f"^{name} must be "):
        setting.read()


def test_networks_are_read_as_they_are_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = SETTINGS["WEBHOOK_PRIVATE_NETWORKS"]
    monkeypatch.setenv(setting.name, "192.168.0.0/16, fd00::/8,127.0.0.1")
    networks = setting.read()
    assert setting.spell(networks) == "192.168.0.0/16,fd00::/8,127.0.0.1/32"
    assert setting.parse(setting.spell(networks)) == networks


@pytest.mark.parametrize(
    ("raw", "limit"),
    [("", 7), ("1", 1), ("0500", 500), ("off", None), ("OFF", None), ("0", None)],
)
def test_a_limit_is_a_count_or_off(
    raw: str, limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUEST_MESSAGES_PER_DAY", raw)
    assert limits.GUEST_MESSAGES_PER_DAY.read(7) == limit


@pytest.mark.parametrize("raw", ["-1", "1.5", "+1", "1_000", "٣", "10000000001", "x"])
def test_an_invalid_limit_is_refused(raw: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUEST_MESSAGES_PER_DAY", raw)
    with pytest.raises(ImproperlyConfigured, match="GUEST_MESSAGES_PER_DAY must be a"):
        limits.GUEST_MESSAGES_PER_DAY.read(7)


def test_a_password_is_not_repeated_in_the_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", "http://:hunter2@host")
    with pytest.raises(ImproperlyConfigured) as error:
        storage.REDIS_URL.read()
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("url", ["redis://web:hun/ter2@host", "redis://:hun#ter2@host"])
def test_a_password_that_must_be_quoted_is_neither_taken_nor_repeated(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ImproperlyConfigured) as error:
        storage.REDIS_URL.read()
    assert "ter2" not in str(error.value) and "hun" not in str(error.value)


def test_a_database_url_can_demand_a_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = "postgres://web:s%2Fcret@host/name?sslmode=verify-full&sslrootcert=/ca.pem"
    monkeypatch.setenv("DATABASE_URL", url)
    config = storage.DATABASE_URL.read_or_file(Path())
    assert config["PASSWORD"] == "s/cret"
    assert config["OPTIONS"] == {"sslmode": "verify-full", "sslrootcert": "/ca.pem"}


def test_celery_gets_the_same_server_as_kombu_spells_it() -> None:
    socket = parse("unix:///run/r.sock?db=2").broker_url()
    assert socket == "redis+socket:///run/r.sock?virtual_host=2"
    assert parse("rediss://h:1/2").broker_url() == "rediss://h:1/2"


def test_only_a_server_open_to_all_answers_to_any_name() -> None:
    assert allowed_hosts("0.0.0.0") == ["*"]
    assert "*" not in allowed_hosts("127.0.0.1")


def test_mail_goes_to_the_server_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp+tls://me:hunter2@mail.example.org:587")
    found = mail.EMAIL_URL.read()
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example.org", 587)
    assert (found["EMAIL_USE_TLS"], found["EMAIL_HOST_PASSWORD"]) == (True, "hunter2")
    monkeypatch.delenv("EMAIL_URL")
    assert str(mail.EMAIL_URL.read()["EMAIL_BACKEND"]).endswith("dummy.EmailBackend")


def test_a_site_has_no_slash_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", "https://Chat.example.org:443/")
    assert addresses.SITE_URL.read() == "https://chat.example.org"


def test_the_path_of_a_site_is_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URL_PREFIX", "/chat/")
    monkeypatch.setenv("SITE_URL", "https://chat.example.org/chat/")
    prefix = addresses.URL_PREFIX.read()
    assert prefix == "/chat"
    assert addresses.SITE_URL.read_below(prefix) == "https://chat.example.org"


@pytest.mark.parametrize(
    "raw", ["X-Forwarded-Proto", "x_forwarded_proto", "HTTP_X_FORWARDED_PROTO"]
)
def test_a_header_is_found_however_it_is_spelled(
    monkeypatch: pytest.MonkeyPatch, raw: str
) -> None:
    monkeypatch.setenv("PROXY_SCHEME_HEADER", raw)
    found = addresses.PROXY_SCHEME_HEADER.read()
    assert found == "HTTP_X_FORWARDED_PROTO"


@pytest.mark.parametrize(
    "raw",
    [
        *("HOST", "host", "HTTP_HOST", "Cookie", "X-Forwarded-For", "Forwarded"),
        *("Accept-Language", "Content-Type", "-", "X-ſsl", "X Scheme"),
    ],
)
def test_a_header_with_another_meaning_is_refused(
    monkeypatch: pytest.MonkeyPatch, raw: str
) -> None:
    monkeypatch.setenv("PROXY_SCHEME_HEADER", raw)
    with pytest.raises(ImproperlyConfigured, match="PROXY_SCHEME_HEADER must be"):
        addresses.PROXY_SCHEME_HEADER.read()


def test_script_name_is_not_read_beside_url_prefix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCRIPT_NAME", "c")
    monkeypatch.setenv("URL_PREFIX", "/y")
    assert addresses.URL_PREFIX.read() == "/y"
    monkeypatch.setenv("URL_PREFIX", "")
    with pytest.raises(ImproperlyConfigured, match="SCRIPT_NAME must be"):
        addresses.URL_PREFIX.read()


def test_an_earlier_key_may_contain_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also between other keys, and with long parts on both sides of a comma."""
    plain, first, second = "p" * 40, "f" * 33, "s" * 33
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", f"{plain}, {first}, {second},x")
    found = addresses.SECRET_KEY_FALLBACKS.read()
    assert found[:3] == [plain, first, second]
    assert f"{first}, {second},x" in found
    assert all(len(key) >= 32 for key in found)
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", f"{plain}, q")
    assert addresses.SECRET_KEY_FALLBACKS.read() == [plain, f"{plain}, q"]
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", plain)
    assert addresses.SECRET_KEY_FALLBACKS.read() == [plain]
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", ",".join([plain] * 21))
    with pytest.raises(ImproperlyConfigured, match="20 keys at most"):
        addresses.SECRET_KEY_FALLBACKS.read()


def test_origins_are_spelled_as_browsers_spell_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = "HTTPS://A.org:443/, http://[::1]:80, https://*.a.org, http://bücher.de:8080"
    monkeypatch.setenv("CSRF_TRUSTED_ORIGINS", raw)
    assert addresses.CSRF_TRUSTED_ORIGINS.read() == [
        *("https://a.org", "http://[::1]", "https://*.a.org"),
        "http://xn--bcher-kva.de:8080",
    ]


@pytest.mark.parametrize(
    "raw",
    [
        *("chat.example.org", "https://", "ftp://a.org", "https://*", "*", "null"),
        *("https://a.org/x", "https://a.org?x", "https://a.org#x", "https://a.org:0"),
        *("https://me@a.org", "https://.a.org", "https://a.*.org", "https://[::1"),
    ],
)
def test_an_invalid_origin_is_refused(
    monkeypatch: pytest.MonkeyPatch, raw: str
) -> None:
    monkeypatch.setenv("CSRF_TRUSTED_ORIGINS", raw)
    with pytest.raises(ImproperlyConfigured, match="CSRF_TRUSTED_ORIGINS must be"):
        addresses.CSRF_TRUSTED_ORIGINS.read()


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "chat/",
            "chat",
            "/a b",
            "//x",
            "/x//y",
            "/chat?x",
            "/chat#x",
            "/чат",
            "/a%20b",
        ),
        *("/..", "/./x", "/chat/../x", "https://a.org/chat", "/a;b", "/chat//"),
        *("/c", "/c/", "/static/x", "/admin", "/settings"),
    ],
)
def test_an_invalid_prefix_is_refused(
    monkeypatch: pytest.MonkeyPatch, raw: str
) -> None:
    monkeypatch.setenv("URL_PREFIX", raw)
    with pytest.raises(ImproperlyConfigured, match="URL_PREFIX must be"):
        addresses.URL_PREFIX.read()


@pytest.mark.parametrize(
    ("raw", "path"),
    [("/", ""), ("/chat", "/chat"), ("/chat/", "/chat"), ("/a/b-c_1.~", "/a/b-c_1.~")],
)
def test_a_prefix_has_no_slash_at_its_end(
    monkeypatch: pytest.MonkeyPatch, raw: str, path: str
) -> None:
    monkeypatch.setenv("URL_PREFIX", raw)
    assert addresses.URL_PREFIX.read() == path


@pytest.mark.parametrize("raw", ["", "A" * 43, "_" * 43, "A" * 42, "B" * 44, "ä" * 43])
def test_a_key_of_web_push_is_of_its_curve(raw: str) -> None:
    with pytest.raises(BadValue, match="43 characters") as refused:
        VapidKey("KEY", "", about="A key.").parse(raw)
    assert "AAA" not in str(refused.value)


def test_a_key_of_web_push_may_be_padded() -> None:
    setting = VapidKey("KEY", "", about="A key.")
    assert setting.parse("B" * 42 + "A=") == "B" * 42 + "A"


@pytest.mark.parametrize(
    ("raw", "is_good"),
    [
        ("mailto:a@example.org", True),
        ("https://example.org/contact?a=b", True),
        ("a@example.org", False),
        ("http://example.org", False),
        ("mailto:", False),
        ("https://", False),
        ("https://a b", False),
    ],
)
def test_a_contact_is_a_link_to_a_person(raw: str, is_good: bool) -> None:
    setting = ContactAddress("CONTACT", "", about="Where.")
    if is_good:
        assert setting.parse(raw) == raw
    else:
        with pytest.raises(BadValue, match="mailto:"):
            setting.parse(raw)
