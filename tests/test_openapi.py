"""The OpenAPI document is what the API does: Schemathesis makes calls from it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup

from chat.accounts.api_keys import make_key
from chat.api.openapi import document
from chatsite.mailbox import Mailbox
from chatsite.wsgi import application
from tests.access import owner_data
from tests.access.owner_data import World
from tests.environment import IS_SOAK

EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "100" if IS_SOAK else "3"))
#: What is right by its form may be refused for what it means, with 409 or 422.
ACCEPTED = ["2XX", "304", "401", "403", "404", "409", "422", "429", "5XX"]
CONFIG = SchemathesisConfig.from_dict(
    {"checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}}}
)
#: Of what a call by its name is for; all others are for conversations.
KINDS = {
    "messages": "prompt",
    "replies": "done",
    "webhooks": "webhook",
    "shared-links": "shared_link",
    "imports": "import",
    "presets": "preset",
    "deliveries": "delivery",
}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """Requests leave the connection of the test open, as Django's test client does."""
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


@pytest.fixture
def world(box: Mailbox) -> World:
    return owner_data.make(box, has_account=True)


@pytest.mark.timeout(3600 if IS_SOAK else 180)
def test_every_call_does_what_the_document_says(world: World) -> None:
    secret = make_key(world.owner, "a program", can_read_history=True)[1]
    schema = schemathesis.openapi.from_wsgi(
        "/api/v1/openapi.json", application, config=CONFIG
    )

    mode = GenerationMode.POSITIVE

    @schema.hook
    def map_path_parameters(context: Any, parameters: Any) -> Any:
        is_right = mode is GenerationMode.POSITIVE
        return _of_owner(world, context, parameters) if is_right else parameters

    headers = {"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}
    problems = []
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        for found in schema.get_all_operations():
            try:
                _call(found.ok(), mode, headers)
            except Unsatisfiable:
                continue  # no call of this kind can be wrong
            except FailureGroup as failed:
                problems += [
                    f"{found.ok().label}: {one}\n{one.__dict__}"
                    for one in failed.exceptions
                ]
    assert not problems, "\n\n".join(problems)


def _of_owner(world: World, context: Any, parameters: Any) -> Any:
    """Every second id is that of something there is."""
    if str((parameters or {}).get("pk") or "-")[-1] not in "02468ace":
        return parameters
    subject = context.operation.path.split("/")[3]
    pk = world.ids[KINDS.get(subject, "conversation")]
    return {**parameters, "pk": str(pk)}


def _call(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> None:
    """Make some calls of a kind, and compare each answer with the document."""

    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        derandomize=not IS_SOAK,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    def call(case: Any) -> None:
        case.call_and_validate(headers=headers)

    call()


def test_the_document_describes_every_call() -> None:
    described = document()
    assert described["openapi"] == "3.1.0"
    calls = [one for path in described["paths"].values() for one in path.values()]
    assert len(calls) > 25
    assert all(one["summary"] and one["description"] for one in calls)
