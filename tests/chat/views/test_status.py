"""The public status page and the same for programs."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker

pytestmark = pytest.mark.django_db


def test_everyone_sees_how_long_the_lines_are(box: Mailbox) -> None:
    Worker(box).announce()
    page = Client().get("/status/").content.decode()
    assert "Starts immediately" in page
    found = Client().get("/api/v1/status").json()["models"][0]
    assert found == {
        "name": "scripted",
        "label": "Scripted replies",
        "is_default": True,
        "is_paused": False,
        "workers": 1,
        "waiting": 0,
        "expected_wait": {"low": 0.0, "high": 0.0},
    }
    box.pause("scripted")
    assert "paused" in Client().get("/status/").content.decode()
    paused = Client().get("/api/v1/status").json()["models"][0]
    assert (paused["is_paused"], paused["expected_wait"]) == (True, None)


def test_a_setting_switches_both_off(box: Mailbox, settings: LazySettings) -> None:
    settings.PUBLIC_STATUS = False
    for path in ("/status/", "/api/v1/status"):
        assert Client().get(path).status_code == 404


def test_a_model_that_no_worker_serves_is_not_listed_unless_it_is_of_the_site(
    box: Mailbox, settings: LazySettings
) -> None:
    assert "SmolLM2" not in Client().get("/status/").content.decode()
    settings.CHAT_MODELS = ("scripted", "smollm2")
    assert "SmolLM2" in Client().get("/status/").content.decode()


def test_a_model_whose_workers_are_drained_is_offline(box: Mailbox) -> None:
    Worker(box).announce(wire.Stage.DRAINING)
    assert "offline" in Client().get("/status/").content.decode()
    Worker(box).announce(wire.Stage.BROKEN)
    assert "cannot be loaded" in Client().get("/status/").content.decode()
    Worker(box).announce(wire.Stage.LOADING)
    assert "loading" in Client().get("/status/").content.decode()
