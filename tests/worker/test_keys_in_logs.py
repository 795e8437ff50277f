"""The worker's log never holds the key of a model's server."""

from __future__ import annotations

import copy
import logging

import pytest
from django.conf import settings

from chatsite.catalog import ModelEntry
from chatsite.logs import formatter_of
from chatsite.remote_model import RemoteModel
from worker.engine.remote.faults import Refused
from worker.tasks import hide_keys


def test_the_key_of_a_server_is_hidden_in_every_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "LOGGING", copy.deepcopy(settings.LOGGING))
    monkeypatch.setenv("FAR_KEY", " hunter-two\n")
    remote = RemoteModel("http://127.0.0.1:1/v1", "m", key_variable="FAR_KEY")
    hide_keys([ModelEntry("far", "Far", None, 64, engine="remote", remote=remote)])
    said = logging.LogRecord("worker", 30, "", 0, "got %s", ("hunter-two",), None)
    assert "hunter" not in formatter_of(settings.LOGGING).format(said)


def test_a_key_of_letters_is_hidden_in_the_fault_itself() -> None:
    fault = Refused("the server answered 401 (my-key)")
    fault.hide("my-key")
    assert str(fault) == "the server answered 401 (***)"
