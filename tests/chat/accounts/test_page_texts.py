"""Every text of the account pages and of mail is translated by gettext."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as site
from django.test import Client

from chat.accounts import invitations
from chat.accounts.password_reset import reset_link
from chat.models import User
from tests.chat.accounts.conftest import PASSWORD, link_in, log_in
from tests.chat.pages import text_of
from tests.chat.wording.page_texts import is_worded, texts_of
from tests.chat.wording.pseudo_language import spoken, untranslated
from tests.chat.wording.test_template_texts import source_of

pytestmark = pytest.mark.django_db

FOLDER = Path(site.BASE_DIR, "templates", "accounts")
NAMES = ("chatsite", "Scripted replies", "SIGNUP=invitation", "A–Z")


@pytest.fixture(autouse=True)
def _pseudo() -> Iterator[None]:
    with spoken():
        yield


def check(answer: Any, status: int = 200) -> None:
    assert answer.status_code == status
    html = text_of(answer)
    assert "⟦" in html
    assert untranslated(html, NAMES) == []


@pytest.mark.parametrize(
    "template", sorted(FOLDER.rglob("*.*")), ids=lambda it: it.name
)
def test_every_text_of_a_template_is_translated(template: Path) -> None:
    bare = [text.replace("chatsite", "") for text in texts_of(source_of(template))]
    assert [text for text in bare if is_worded(text)] == []


def test_pages_of_an_account_are_translated(tab: Client, account: User, sent) -> None:
    User.objects.filter(pk=account.pk).update(is_staff=True, is_superuser=True)
    User.objects.filter(pk=account.pk).update(username="1")
    sent(account, "1 + 1")
    tab.post("/account/invitations/", {"days": "7"})
    notes = "?password&email&sent&ended&elsewhere"
    for name in ("", notes, "password/", "email/", "erase/", "erase/?done"):
        check(tab.get(f"/account/{name}"))
    for name in ("password", "email", "erase", "invitations"):
        check(
            tab.post(f"/account/{name}/", {"email": "1", "days": "0", "new": "1"}), 422
        )


def test_pages_of_a_guest_are_translated(
    visitor: Client, say: Callable[..., None], account: User, settings: LazySettings
) -> None:
    say(visitor, "1 + 1")
    settings.RETENTION_DAYS = 1
    for name in ("", "sign-up/", "log-in/", "forgotten/", "forgotten/?sent", "erase/"):
        check(visitor.get(f"/account/{name}"))
    wrong = (
        {"name": "1 1", "password": "1"},
        {"name": "1" * 50, "password": "bee"},
        {"name": "bее", "password": "0123456789"},
        {"name": "bee", "password": "1234", "email": "1"},
        {"name": "root"},
    )
    for typed in wrong:
        check(visitor.post("/account/sign-up/", typed), 422)
        check(visitor.post("/account/log-in/", typed), 422)
    for days, status in ((-1, 410), (1, 200)):
        check(visitor.get(invitations.create_invitation(None, days=days)[1]), status)
    check(visitor.get("/account/invited/x/"), 410)
    check(visitor.get("/account/email/x/"), 410)
    check(visitor.get(f"/account/reset/{account.pk}/x/"), 410)
    User.objects.filter(pk=account.pk).update(username="1")
    check(visitor.get(link_in(reset_link(account)), follow=True))
    log_in(visitor, "1")
    check(visitor.get("/account/merge/"))
    visitor.post("/account/merge/", {"choice": "leave"})
    check(visitor.get("/account/"))
    settings.SIGNUP = "closed"
    check(Client().get("/account/sign-up/"), 403)
    check(Client().get("/account/"))
    settings.GUESTS = False
    check(Client().get("/account/log-in/"))
    check(Client().post("/send/", {"text": "1 + 1"}), 401)
    api = Client().post("/api/v1/messages", {"text": "1"}, "application/json")
    assert untranslated(api.json()["detail"]) == []


@pytest.mark.parametrize(
    "limit", ["LOGIN_FAILURES_MAX", "NETWORK_LOGIN_FAILURES_PER_HOUR"]
)
def test_the_page_of_a_lock_is_translated(
    limit: str, visitor: Client, account: User, settings: LazySettings
) -> None:
    setattr(settings, limit, 1)
    log_in(visitor, password="x")
    check(log_in(visitor, password="x"), 429)


def test_mail(
    tab: Client,
    account: User,
    sent_mails: Callable[[], list[Any]],
    settings: LazySettings,
) -> None:
    settings.SITE_URL = "http://1.1.1.1"
    User.objects.create_user("2", "x", "2@2.org")
    Client().post("/account/forgotten/", {"email": account.email})
    for email in ("3@3.org", "2@2.org"):
        tab.post("/account/email/", {"email": email, "password": PASSWORD})
    sent = sent_mails()
    tab.post(link_in(sent[1].body))
    sent += sent_mails()
    assert len(sent) == 4
    for one in sent:
        assert one.subject.startswith("⟦")
        said = re.sub(r"https?://\S+", "", one.body)
        assert untranslated(said, ("bee",)) == []
