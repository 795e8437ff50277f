"""The authentication backend: every refusal is the same work, and passwords are hashed."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from chat.models import User
from tests.chat.accounts.counting_hasher import hashed
from tests.chat.accounts.throttled_views import RIGHT, attempt

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("throttle_settings")]


@pytest.mark.parametrize("kind", ["inactive", "closed", "no password", "guest"])
def test_refused_accounts_get_the_same_answer_as_unknown_names(
    user: User, kind: str
) -> None:
    if kind == "inactive":
        user.is_active = False
    elif kind == "closed":
        user.closed_at = timezone.now()
    elif kind == "no password":
        user.set_unusable_password()
    else:
        user.username, user.email = None, ""
    user.save()
    assert attempt(password=RIGHT).status_code == 422
    assert attempt("", RIGHT).status_code == 422


def test_every_refusal_takes_the_same_work(
    db: None, settings: Settings, rf: RequestFactory
) -> None:
    """One hash and the same queries; ``bench/login_timing.py`` measures times."""
    settings.PASSWORD_HASHERS = ["tests.chat.accounts.counting_hasher.CountingHasher"]
    kinds = ("known", "without", "inactive", "closed")
    for name in kinds:
        User.objects.create_user(name, None if name == "without" else RIGHT)
    User.objects.filter(username="inactive").update(is_active=False)
    User.objects.filter(username="closed").update(closed_at=timezone.now())
    attempt("the first of all")
    queries = set()
    for kind in ("unknown", *kinds):
        hashed.clear()
        with CaptureQueriesContext(connection) as asked:
            password = "wrong" if kind == "known" else RIGHT
            assert attempt(kind, password).status_code == 422
        assert len(hashed) == 1
        verbs = [query["sql"].split()[0] for query in asked.captured_queries]
        queries.add(" ".join(verbs))
    assert len(queries) == 1


def test_passwords_are_stored_with_the_argon2_parameters_of_owasp(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatsite import settings as ours

    settings.PASSWORD_HASHERS = ours.PASSWORD_HASHERS
    user = User.objects.create_user("new", RIGHT)
    assert user.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    old = make_password(RIGHT, hasher="pbkdf2_sha256")
    User.objects.filter(pk=user.pk).update(password=old)
    assert attempt("new", RIGHT).status_code == 204
    user.refresh_from_db()
    assert user.password.startswith("argon2$")


def test_an_empty_name_finds_no_account(user: User) -> None:
    User.objects.create(username=None)
    assert User.objects.known_as("") is None
    assert User.objects.known_as("None") is None
