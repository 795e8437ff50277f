"""Calls whose messages wait until workers are idle."""

from __future__ import annotations

import pytest
from django.test import Client

from chat.keeper import Keeper
from chat.models import Reply, User
from tests.chat.api.key_program import Program
from tests.chat.conftest import Worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(db: None) -> User:
    return User.objects.create_user("bee", None)


def post(tab: Client, path: str, **body: object):
    return tab.post(f"/api/v1/{path}", body, content_type="application/json")


def test_a_message_waits_and_says_so_without_a_place(
    tab: Client, worker: Worker
) -> None:
    worker.announce(free=0)
    sent = post(tab, "messages", text="late", when_idle=True).json()
    assert sent["when_idle"]
    assert (sent["place"], sent["expected_wait"]) == (None, None)
    claim = worker.claim()
    assert claim.is_helper
    assert tab.get(sent["url"]).json()["when_idle"]
    worker.finish(claim, "Honey.")
    Keeper().sweep()
    assert tab.get(sent["url"]).json()["when_idle"]


def test_an_ordinary_message_says_that_it_does_not(tab: Client, worker: Worker) -> None:
    sent = post(tab, "messages", text="now").json()
    assert (sent["when_idle"], sent["place"]) == (False, 1)


def test_another_version_of_a_message_may_wait(tab: Client, worker: Worker) -> None:
    post(tab, "messages", text="now")
    worker.answer("Honey.")
    Keeper().sweep()
    question = Reply.objects.get().message.parent_id
    body = {"text": "later", "when_idle": True}
    assert post(tab, f"messages/{question}/versions", **body).status_code == 202
    assert worker.claim().is_helper


def test_run_now_ends_the_wait(tab: Client, worker: Worker) -> None:
    worker.announce(free=0)
    sent = post(tab, "messages", text="late", when_idle=True).json()
    for _ in range(2):
        answer = post(tab, f"replies/{sent['id']}/run-now")
        assert answer.status_code == 202
        assert (answer.json()["when_idle"], answer.json()["place"]) == (False, 1)


def test_a_key_that_lets_people_go_first_cannot_run_now(
    account: User, worker: Worker
) -> None:
    program = Program(account, is_helper=True)
    for more in ({}, {"when_idle": True}):
        sent = program.send(**more).json()
        refused = program.post(f"/api/v1/replies/{sent['id']}/run-now")
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
        assert worker.claim().is_helper


@pytest.mark.parametrize("value", ["soon", 7, None])
def test_anything_but_true_and_false_is_refused(tab: Client, value: object) -> None:
    refused = post(tab, "messages", text="late", when_idle=value)
    assert refused.status_code == 400
    assert refused.json()["parameter"] == "when_idle"


def test_with_a_key_it_counts_for_the_key(account: User, worker: Worker) -> None:
    program = Program(account)
    program.post("/api/v1/messages", {"text": "late", "when_idle": True})
    reply = Reply.objects.get()
    assert (reply.key_id, worker.claim().is_helper) == (program.key.pk, True)


def test_a_retry_by_the_key_waits_as_well(account: User, worker: Worker) -> None:
    program = Program(account)
    sent = program.post("/api/v1/messages", {"text": "late", "when_idle": True}).json()
    program.post(f"/api/v1/replies/{sent['id']}/stop")
    again = program.post(f"/api/v1/replies/{sent['id']}/retry").json()
    assert again["when_idle"]
    assert worker.claim().is_helper
