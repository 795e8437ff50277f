"""Sites on one host share a browser's cookies; each accepts only its own, old or new."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from http.cookies import SimpleCookie

import pytest
from django.conf import LazySettings
from django.core.signing import get_cookie_signer
from django.test import Client

from chat.accounts import guest_cookie
from chat.models import Conversation, User
from chatsite.cookie_names import cookie_names, suffix_of
from tests.chat.accounts.conftest import is_logged_in
from tests.chat.pages import known, poll_url, text_of
from tests.cookie_names import GUEST, SESSION, THEME, TOKEN, ZONE
from tests.dom import dom

pytestmark = pytest.mark.django_db

#: Cookies of another Django application on the same host.
FOREIGN = {
    "sessionid": "k" * 32,
    "csrftoken": "x" * 32,
    "guest": "0c0ffee0-0000-4000-8000-000000000000:1abcde:signature",
    "messages": "W1siX19qc29uX21lc3NhZ2UiXV0:1abcde:signature",
    "theme": "dark",
    "tz": "120",
    "django_language": "de",
}
SALTS = ("guest", "django.http.cookies.v2:0:guest")


def with_cookies(cookies: dict[str, str], **options: bool) -> Client:
    client = Client(**options)
    client.cookies = SimpleCookie(cookies)
    return client


def bare(client: Client, *, salt: str = SALTS[0]) -> Client:
    """Return the browser with its cookies under the names before the site had its own."""
    pk = client.cookies[GUEST].value.partition(":")[0]
    old = {"guest": get_cookie_signer(salt=salt).sign(pk)}
    for name, own in (("sessionid", SESSION), ("csrftoken", TOKEN)):
        if own in client.cookies:
            old[name] = client.cookies[own].value
    return with_cookies({**old, "theme": "dark", "tz": "Pacific/Kiritimati"})


def test_names_belong_to_the_site_and_are_equal_on_all_servers() -> None:
    names = cookie_names("__Host-", "", "a key", ["an earlier key"])
    assert names.own("guest") == f"__Host-guest_{suffix_of('a key')}"
    assert names == cookie_names("__Host-", "", "a key", ["an earlier key"])
    assert names.own("guest") != cookie_names("__Host-", "", "b key", []).own("guest")
    earlier = [f"__Host-guest_{suffix_of('an earlier key')}", "__Host-guest"]
    assert names.earlier("guest") == earlier
    assert "key" not in names.suffix


def test_a_suffix_that_is_set_replaces_that_of_the_key() -> None:
    names = cookie_names("", "two", "a key", ["an earlier key", "a key"])
    assert names.own("sessionid") == "sessionid_two"
    derived = [suffix_of("a key"), suffix_of("an earlier key")]
    wanted = [*(f"sessionid_{one}" for one in derived), "sessionid"]
    assert names.earlier("sessionid") == wanted


@pytest.mark.parametrize("salt", SALTS)
def test_a_guest_with_cookies_of_the_old_names_keeps_everything(
    salt: str, visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    old = bare(visitor, salt=salt)
    page = old.get("/")
    assert "Hello" in text_of(page)
    assert "[data-theme=dark]" in dom(page)
    assert set(page.cookies) == {SESSION, TOKEN, GUEST, THEME}
    new = with_cookies({name: old.cookies[name].value for name in page.cookies})
    assert "Hello" in text_of(new.get("/"))
    assert set(new.get("/").cookies) == {TOKEN}  # as on every page with a form


def test_a_guest_with_an_old_cookie_alone_sends_as_before(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    old = bare(visitor)
    del old.cookies["sessionid"]
    say(old, "And again")
    assert User.objects.count() == 1
    assert Conversation.objects.count() == 2


def test_a_form_from_before_the_new_names_is_accepted(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    old = bare(visitor)
    strict = with_cookies(
        {name: one.value for name, one in old.cookies.items()},
        enforce_csrf_checks=True,
    )
    form = {"text": "Typed before", "key": "k", "csrfmiddlewaretoken": "x" * 32}
    assert strict.post("/send/", form).status_code == 403
    form["csrfmiddlewaretoken"] = old.cookies["csrftoken"].value
    assert strict.post("/send/", form).status_code == 303


def test_a_poll_renames_no_cookie(visitor: Client, say: Callable[..., None]) -> None:
    say(visitor, "Hello")
    page = visitor.get(f"/c/{Conversation.objects.get().pk}/")
    old = bare(visitor)
    answer = old.get(poll_url(page), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert known(answer)
    assert not answer.cookies


def test_cookies_of_another_site_are_neither_trusted_nor_changed(
    box: object, say: Callable[..., None]
) -> None:
    browser = with_cookies(FOREIGN)
    for path in ("/", "/settings/", "/account/", "/account/log-in/", "/nowhere/"):
        page = browser.get(path)
        assert "[data-theme=dark]" not in dom(page)
        assert not set(page.cookies) & set(FOREIGN)
    say(browser, "Hello")
    assert "Hello" in text_of(browser.get("/"))
    assert {name: browser.cookies[name].value for name in FOREIGN} == FOREIGN
    assert {SESSION, TOKEN, GUEST} <= set(browser.cookies)


def test_the_admin_keeps_its_messages_in_the_session(db: None) -> None:
    boss = User.objects.create_superuser("boss", "a long enough one")
    desk = with_cookies(FOREIGN)
    desk.force_login(boss)
    guest = User.objects.guest(uuid.uuid4())
    answer = desk.post(
        f"/admin/chat/user/{guest.pk}/change/", {"is_active": "on", "limits": "{}"}
    )
    assert "messages" not in answer.cookies
    assert "messages" not in desk.get("/admin/").cookies


def test_a_new_key_accepts_cookies_of_the_key_before(
    visitor: Client,
    say: Callable[..., None],
    settings: LazySettings,
) -> None:
    say(visitor, "Hello")
    cookies = {
        f"{base}_before": visitor.cookies[own].value
        for base, own in (("guest", GUEST), ("sessionid", SESSION))
    }
    names = replace(settings.COOKIE_NAMES, earlier_suffixes=("before",))
    settings.COOKIE_NAMES = names
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-" * 5
    later = with_cookies(cookies)
    page = later.get("/")
    assert "Hello" in text_of(page)
    assert {SESSION, GUEST} <= set(page.cookies)
    settings.SECRET_KEY_FALLBACKS = []
    say(with_cookies({GUEST: later.cookies[GUEST].value}), "Without the old key")
    assert User.objects.count() == 1


def test_a_guest_cookie_is_renewed_before_it_expires(
    visitor: Client,
    say: Callable[..., None],
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    say(visitor, "Hello")
    path = f"/c/{Conversation.objects.get().pk}/"
    assert GUEST not in visitor.get(path).cookies
    age = guest_cookie.RENEWED_AFTER * settings.SESSION_COOKIE_AGE
    now = time.time()
    with monkeypatch.context() as patch:
        patch.setattr("django.core.signing.time.time", lambda: now + age + 60)
        given = visitor.get(path).cookies[GUEST]
        assert given["max-age"] == settings.SESSION_COOKIE_AGE
        assert GUEST not in visitor.get(path).cookies
        pk = str(User.objects.get().pk)
        assert given.value.startswith(f"{pk}:")


def test_every_page_names_its_cookies_for_the_script(visitor: Client) -> None:
    body = dom(visitor.get("/")).one("body")
    suffix = GUEST.removeprefix("guest_")
    assert (body["data-site"], body["data-earlier-sites"]) == (suffix, "")
    assert (body["data-token-cookie"], body["data-zone-cookie"]) == (TOKEN, ZONE)


def test_an_account_stays_logged_in_despite_cookies_of_another_site(
    account: User, client_of: Callable[[User], Client], box: object
) -> None:
    tab = client_of(account)
    for cookies in (FOREIGN, dict.fromkeys(FOREIGN, "")):
        for name, value in cookies.items():
            tab.cookies[name] = value
        assert is_logged_in(tab)
    tab.post("/account/log-out/")
    assert not is_logged_in(tab)


def test_a_cookie_signed_with_an_earlier_key_is_signed_again(
    visitor: Client, settings: LazySettings
) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-" * 5
    before = visitor.cookies[GUEST].value
    given = visitor.get("/").cookies[GUEST].value
    assert given != before
    assert given.partition(":")[0] == before.partition(":")[0]
    settings.SECRET_KEY_FALLBACKS = []
    assert GUEST not in visitor.get("/").cookies
