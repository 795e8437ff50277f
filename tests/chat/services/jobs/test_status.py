from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from chat.keeper import Keeper
from chat.models import Reply, User
from chat.services.jobs.reconcile import take_back_lost
from chat.services.jobs.stop import stop_reply
from chatsite.mailbox import Mailbox, open_mailbox
from chatsite.wire import Announcement, Stage
from tests.valkey import Valkey


def said(*arguments: str) -> str:
    output = StringIO()
    call_command("status", *arguments, stdout=output)
    return output.getvalue()


def told() -> Any:
    return json.loads(said("--json"))


@pytest.mark.django_db
class TestStatus:
    def test_an_empty_site_says_so(self, valkey: Valkey) -> None:
        assert said() == (
            "scripted: 0 waiting, no workers\n"
            "to come: none\n"
            "ended in 24 hours: none\n"
            "lost with a worker in 24 hours: none\n"
        )

    def test_who_serves_and_who_waits(
        self, owner: User, box: Mailbox, sent, worker
    ) -> None:
        first = sent(owner)
        worker.answer("done")
        Keeper().sweep()
        sent(owner, "two", first.message.conversation)
        sent(owner, "three", first.message.conversation)
        worker.announce(free=0)
        lines = said().splitlines()
        assert lines[:4] == [
            "scripted: 1 waiting, 1 worker",
            "  w: ready, 1 of 1 rows busy, 0 tokens/s",
            "to come: 1 held, 1 queued",
            "ended in 24 hours: 1 done",
        ]

    def test_only_the_served_model_is_shown_while_nothing_waits_for_another(
        self, box: Mailbox
    ) -> None:
        other = Announcement("worker-1@a-1-b", "gpt2", "GPT-2", Stage.READY)
        box.announce(other)
        names = ["scripted", "gpt2"]
        assert [model["name"] for model in told()["models"]] == names
        box.set_served_model("gpt2")
        assert [model["name"] for model in told()["models"]] == names[1:]
        box.set_served_model("scripted")
        box.withdraw(other)
        assert [model["name"] for model in told()["models"]] == names[:1]

    def test_what_prepares_the_model_is_no_worker(self, box: Mailbox) -> None:
        fetching = Announcement("fetch-a-1", "scripted", "", Stage.FETCHING, 0.4)
        box.announce(replace(fetching, is_worker=False))
        assert said().splitlines()[:2] == [
            "scripted: 0 waiting, no workers",
            "  the model: fetching, 40%",
        ]
        loading = Announcement("worker-1@a-2-b", "scripted", "", Stage.LOADING)
        box.announce(replace(loading, step="Checking."))
        assert said().splitlines()[:3] == [
            "scripted: 0 waiting, 1 worker",
            "  the model: fetching, 40%",
            "  worker-1@a-2-b: loading: Checking.",
        ]

    def test_a_loss_is_shown_while_its_reply_waits_for_another_worker(
        self, owner: User, box: Mailbox, sent, worker
    ) -> None:
        reply = sent(owner)
        for losses in (1, 2):
            worker.claim(lease_seconds=0)
            take_back_lost()
            assert told()["lost"] == [
                {"reply": str(reply.pk), "losses": losses, "state": "queued"}
                | {"worker": ""}
            ]
        assert f"{reply.pk} 2 times; queued" in said()

    def test_why_replies_failed(self, owner: User, box: Mailbox, sent, worker) -> None:
        sent(owner)
        for _ in range(3):
            worker.claim(lease_seconds=0)
            take_back_lost()
        Keeper().sweep()
        assert "failed for: 1 worker_lost" in said()
        [lost] = told()["lost"]
        assert (lost["losses"], lost["state"], lost["worker"]) == (3, "failed", "w")

    def test_one_stopped_before_its_turn_is_counted(
        self, owner: User, box: Mailbox, sent
    ) -> None:
        first = sent(owner)
        stop_reply(sent(owner, "two", first.message.conversation))
        assert told()["ended"] == {"stopped": 1}

    def test_without_redis_the_database_is_told(
        self, owner: User, valkey: Valkey, sent
    ) -> None:
        sent(owner)
        valkey.stop()
        try:
            assert said().startswith("This REDIS_URL does not")
            assert said("--stopped").startswith("The site is not running.")
            assert told()["unfinished"] == {"queued": 1}
        finally:
            valkey.start()
            open_mailbox().connection.forgive()


@pytest.mark.django_db
def test_an_emptied_redis_forgives_no_losses(
    owner: User, valkey: Valkey, box: Mailbox, sent, worker
) -> None:
    """Else a prompt that ends workers would be tried for ever."""
    reply = sent(owner)
    worker.claim(lease_seconds=0)
    take_back_lost()
    valkey.client.flushall()
    Reply.objects.update(published_at="2020-01-01T00:00Z")
    Keeper().sweep()
    assert worker.claim().losses == 1
    assert Reply.objects.get(pk=reply.pk).losses == 1
