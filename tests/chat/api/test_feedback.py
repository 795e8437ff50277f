"""Feedback on replies by calls of programs."""

from __future__ import annotations

import pytest
from django.test import Client

from chat.models import Reply, User
from tests.chat.conftest import Worker
from tests.chat.services.version_actions import collected

pytestmark = pytest.mark.django_db


def put(tab: Client, reply: Reply, **body: object):  # type: ignore[no-untyped-def]
    path = f"/api/v1/replies/{reply.pk}/feedback"
    return tab.put(path, body, content_type="application/json")


def test_feedback_is_replaced_and_withdrawn(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    done = collected(worker, sent(owner), "An answer")
    path = f"/api/v1/replies/{done.pk}"
    assert tab.get(path).json()["feedback"] is None
    given = put(tab, done, rating="down", reason="Wrong")
    assert given.json()["feedback"] == {"rating": "down", "reason": "Wrong"}
    put(tab, done, rating="up")
    assert tab.get(path).json()["feedback"] == {"rating": "up", "reason": ""}
    assert put(tab, done, rating=None).json()["feedback"] is None
    wrong = put(tab, done, rating="great").json()
    assert (wrong["code"], wrong["parameter"]) == ("bad_value", "rating")


def test_an_unfinished_reply_is_refused(tab: Client, owner: User, sent) -> None:
    answer = put(tab, sent(owner), rating="up")
    assert (answer.status_code, answer.json()["code"]) == (422, "unfinished")
