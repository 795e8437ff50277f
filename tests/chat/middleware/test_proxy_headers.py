"""Headers of a proxy are trusted, refused or corrected; pages name the setting."""

from __future__ import annotations

from html import unescape

import pytest
from django.test import Client
from pytest_django import Settings

from chat.models import Message
from chatsite.mailbox import Mailbox
from chatsite.settings_table import addresses
from tests.chat.pages import text_of
from tests.cookie_names import TOKEN
from tests.dom import dom

pytestmark = pytest.mark.django_db
TYPED = "Typed <with> care"


@pytest.fixture
def https_only(settings: Settings) -> Settings:
    settings.SECURE_SSL_REDIRECT = True
    settings.TRUSTED_PROXIES = trusted("127.0.0.1,10.0.0.0/8")
    return settings


def trusted(raw: str) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUSTED_PROXIES", raw)
        return addresses.TRUSTED_PROXIES.read()


def posted(
    visitor: Client, headers: dict[str, str], *, is_old: bool = False, **sent: str
) -> object:
    """Send a text with the token of the page, or with an old one."""
    token = visitor.get("/", headers=headers).cookies[TOKEN].value
    form = {"text": TYPED, "key": "k1", **sent}
    form["csrfmiddlewaretoken"] = "x" * 32 if is_old else token
    return visitor.post("/send/", form, headers=headers)


@pytest.mark.parametrize(
    ("header", "word", "forwarded", "is_https"),
    [
        ("X-Forwarded-Proto", "https", None, True),
        ("X-Forwarded-Proto", "HTTPS", None, True),
        ("X-Forwarded-Proto", " Https ", None, True),
        ("X-Forwarded-Proto", "https,http", None, True),
        ("X-Forwarded-Proto", "http", None, False),
        ("X-Forwarded-Proto", "", None, False),
        # Two trusted proxies: the farther one speaks HTTPS with the browser.
        ("X-Forwarded-Proto", "https, http", "203.0.113.7, 10.0.0.2", True),
        ("X-Forwarded-Proto", "https", "203.0.113.7, 10.0.0.2", True),
        # One trusted proxy: the client itself sent the first value.
        ("X-Forwarded-Proto", "https, http", "203.0.113.7", False),
        ("X-Forwarded-Proto", "http, https", "203.0.113.7", True),
        ("X-Forwarded-Ssl", "on", None, True),
        ("X-Forwarded-Ssl", "off", None, False),
        ("Forwarded", "for=203.0.113.7;proto=https;by=10.0.0.1", None, True),
        ("Forwarded", 'for="[2001:db8::1]"; Proto="HTTPS"', None, True),
        ("Forwarded", "for=203.0.113.7;proto=http", None, False),
    ],
)
def test_the_scheme_of_the_farthest_trusted_proxy_counts(
    https_only: Settings, header: str, word: str, forwarded: str | None, is_https: bool
) -> None:
    name = f"HTTP_{header.upper().replace('-', '_')}"
    https_only.PROXY_SCHEME_HEADER = name
    https_only.SECURE_PROXY_SSL_HEADER = (name, "https")
    said = {header: word} | ({"X-Forwarded-For": forwarded} if forwarded else {})
    answer = Client().get("/no/such/page", headers=said)
    assert (answer.status_code == 404) is is_https


@pytest.mark.parametrize(
    "said",
    [
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-Scheme": "https"},
        {"X-Forwarded-Ssl": "on"},
        {"Forwarded": "for=203.0.113.7;proto=https"},
    ],
)
def test_an_untrusted_proxy_gets_an_explanation_instead_of_endless_redirects(
    settings: Settings, said: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    tab = Client(SERVER_NAME="chat.example.org", headers=said)
    answer = tab.get("/")
    assert answer.status_code == 400
    assert "TRUSTED_PROXIES" in text_of(answer)
    assert "PROXY_SCHEME_HEADER" in text_of(answer)
    assert "TRUSTED_PROXIES" in caplog.text
    assert tab.get("/healthz").status_code == 200


def test_a_browser_on_plain_http_is_redirected(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/").status_code == 301


def test_a_redirect_from_https_to_itself_ends_after_one_step(
    settings: Settings,
) -> None:
    """The browser returns the cookie over HTTPS only; the proxy sends no header."""
    settings.SECURE_SSL_REDIRECT = True
    visitor = Client()
    redirected = visitor.get("/")
    assert redirected.status_code == 301
    (cookie,) = redirected.cookies.values()
    assert cookie["secure"]
    again = visitor.get("/")
    assert again.status_code == 400
    assert "PROXY_SCHEME_HEADER" in text_of(again)


HOST = "chat.example.org"
HTTPS = f"https://{HOST}"


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"host": HOST, "origin": HTTPS}, ["HTTPS_ONLY=on"]),
        ({"host": f"{HOST}:443", "origin": HTTPS}, ["HTTPS_ONLY=on"]),
        (
            {"host": HOST, "referer": f"{HTTPS}/c/1/", "origin": HTTPS},
            ["HTTPS_ONLY=on"],
        ),
        # A rewritten host, as nginx sends by default.
        (
            {"host": "127.0.0.1:8000", "origin": HTTPS},
            [f"CSRF_TRUSTED_ORIGINS={HTTPS}"],
        ),
        (
            {"host": "127.0.0.1:8000", "origin": "http://chat.lan"},
            ["CSRF_TRUSTED_ORIGINS=http://chat.lan"],
        ),
        # A dropped port, as nginx sends with $host.
        (
            {"host": "localhost", "origin": "https://localhost:8443"},
            ["CSRF_TRUSTED_ORIGINS=https://localhost:8443"],
        ),
    ],
)
def test_the_page_names_the_missing_setting_and_keeps_the_text(
    settings: Settings,
    box: Mailbox,
    caplog: pytest.LogCaptureFixture,
    said: dict[str, str],
    named: list[str],
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    answer = posted(Client(enforce_csrf_checks=True), said)
    page = dom(answer)
    assert answer.status_code == 403
    assert {*named} <= {*page.texts("code")}
    assert "session had changed" not in page.text
    assert page.one("textarea").raw_text == TYPED
    assert " and ".join(named) in caplog.text
    assert TYPED not in caplog.text


def test_a_proxy_on_another_machine_needs_trust(
    settings: Settings, box: Mailbox
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    visitor = Client(enforce_csrf_checks=True, REMOTE_ADDR="172.18.0.1")
    page = dom(posted(visitor, {"host": HOST, "origin": HTTPS}))
    assert "HTTPS_ONLY=on" in page.texts("code")
    assert "TRUSTED_PROXIES to the address" in page.text


def test_a_request_by_script_keeps_the_page_and_names_the_setting(
    settings: Settings, box: Mailbox
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    said = {"host": HOST, "origin": HTTPS, "HX-Request": "true"}
    answer = posted(Client(enforce_csrf_checks=True), said)
    assert answer.status_code == 422
    assert "HTTPS_ONLY=on" in text_of(answer)
    assert '[hx-swap-oob="innerHTML:#refusal"]' in dom(answer)
    assert answer.headers["HX-Reswap"] == "none"


@pytest.mark.parametrize(
    ("said", "is_old", "expected"),
    [
        ({}, True, "session had changed"),
        ({"origin": "http://testserver"}, True, "session had changed"),
        # The page never suggests to trust the address of a foreign page.
        ({"origin": "https://evil.example"}, True, "from a page of another site"),
        (
            {"origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
            True,
            "from a page of another site",
        ),
        ({"origin": "null"}, False, "say which page this came from"),
        ({"origin": "null"}, True, "session had changed"),
    ],
)
def test_other_reasons_for_a_refusal_are_explained(
    box: Mailbox,
    caplog: pytest.LogCaptureFixture,
    said: dict[str, str],
    is_old: bool,
    expected: str,
) -> None:
    answer = posted(Client(enforce_csrf_checks=True), said, is_old=is_old)
    assert answer.status_code == 403
    assert expected in unescape(text_of(answer))
    assert "evil" not in text_of(answer) + caplog.text
    assert "Typed <with> care" in dom(answer).raw_texts("textarea")


def test_over_https_a_browser_that_hides_its_address_gets_an_explanation(
    https_only: Settings, box: Mailbox
) -> None:
    visitor = Client(enforce_csrf_checks=True, headers={"X-Forwarded-Proto": "https"})
    assert "say which page this came from" in text_of(posted(visitor, {}))


def test_a_browser_without_cookies_gets_an_explanation(box: Mailbox) -> None:
    answer = Client(enforce_csrf_checks=True).post("/send/", {"text": "Hi", "key": "k"})
    assert "allow cookies" in text_of(answer)


def test_a_proxy_that_claims_https_for_plain_requests_gets_an_explanation(
    https_only: Settings, box: Mailbox
) -> None:
    https_only.ALLOWED_HOSTS = [HOST]
    said = {"host": HOST, "X-Forwarded-Proto": "https", "origin": f"http://{HOST}"}
    answer = Client(enforce_csrf_checks=True).post(
        "/send/", {"text": TYPED, "key": "k"}, headers=said
    )
    assert "PROXY_SCHEME_HEADER" in dom(answer).texts("code")
    assert dom(answer).one("textarea").raw_text == TYPED


@pytest.mark.parametrize(
    ("raw", "host", "origin"),
    [
        (f"{HTTPS}/", "127.0.0.1:8000", HTTPS),
        (f"HTTPS://{HOST.upper()}:443", "127.0.0.1:8000", HTTPS),
        ("https://*.example.org", HOST, HTTPS),
        ("https://localhost:8443/", "localhost", "https://localhost:8443"),
    ],
)
def test_a_trusted_origin_is_accepted_in_any_spelling(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    box: Mailbox,
    raw: str,
    host: str,
    origin: str,
) -> None:
    monkeypatch.setenv("CSRF_TRUSTED_ORIGINS", raw)
    settings.CSRF_TRUSTED_ORIGINS = addresses.CSRF_TRUSTED_ORIGINS.read()
    settings.ALLOWED_HOSTS = ["*"]
    said = {"host": host, "origin": origin}
    assert posted(Client(enforce_csrf_checks=True), said).status_code == 303
    assert Message.objects.count() == 2


@pytest.mark.parametrize("host", [f"{HOST}:443", HOST.upper()])
def test_default_port_and_capitals_do_not_change_a_host(
    https_only: Settings, box: Mailbox, host: str
) -> None:
    https_only.ALLOWED_HOSTS = [HOST]
    said = {"X-Forwarded-Proto": "https", "host": host, "origin": HTTPS}
    assert posted(Client(enforce_csrf_checks=True), said).status_code == 303
