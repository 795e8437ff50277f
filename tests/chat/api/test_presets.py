"""Presets through the API: made once, listed, changed, deleted, begun with, applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from chat.models import Conversation, Preset, User
from chat.services.preset_changes import make_preset
from tests.chat.preset_catalog import catalog_with_presets

pytestmark = pytest.mark.django_db
JSON = "application/json"
URL = "/api/v1/presets"
CHOSEN = {"instructions": "Answer in rhymes.", "temperature": 1.5}


def make(tab: Client, name: str = "Rhymes", key: str = "", **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    typed = {"name": name, "settings": CHOSEN, **body}
    return tab.post(URL, typed, content_type=JSON, headers=headers)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_preset_is_made_once_for_its_key(tab: Client) -> None:
    made = make(tab, key="one", description="For fun")
    assert made.status_code == 201
    data = made.json()
    assert made["Location"] == data["url"] == f"http://testserver{URL}/{data['id']}"
    assert (data["name"], data["description"]) == ("Rhymes", "For fun")
    assert (data["is_of_site"], data["is_model_offered"]) == (False, True)
    assert data["settings"]["instructions"] == "Answer in rhymes."
    assert make(tab, key="one", description="For fun").json() == data
    assert code_of(make(tab, "Other", key="one")) == (422, "key_reused")
    assert code_of(make(tab, "RHYMES")) == (422, "name_taken")
    assert Preset.objects.count() == 1


def test_it_is_read_changed_in_part_and_deleted(tab: Client) -> None:
    url = make(tab).json()["url"]
    changed = tab.patch(url, {"name": "Verse"}, content_type=JSON).json()
    assert (changed["name"], changed["settings"]["temperature"]) == ("Verse", 1.5)
    chosen = {"settings": {"top_k": 5}, "name": None}
    assert tab.patch(url, chosen, content_type=JSON).status_code == 200
    data = tab.get(url).json()
    assert (data["name"], data["settings"]["top_k"]) == ("Verse", 5)
    assert (data["settings"]["temperature"], data["settings"]["instructions"]) == (
        None,
        "",
    )
    assert tab.delete(url).json() == {"id": data["id"], "deleted": True}
    assert tab.get(url).status_code == 404
    assert tab.delete(url).status_code == 404


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"name": " "}, (422, "blank_name")),
        ({"name": "x" * 61}, (422, "name_too_long")),
        ({"description": "x" * 201}, (422, "description_too_long")),
        ({"settings": {"model": "no-such"}}, (422, "bad_settings")),
        ({"settings": {"temperature": 9}}, (400, "bad_value")),
        ({"colour": "red"}, (400, "bad_value")),
    ],
)
def test_what_a_form_refuses_is_refused(
    tab: Client, body: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert code_of(make(tab, **body)) == refusal
    url = make(tab, "Other").json()["url"]
    assert code_of(tab.patch(url, body, content_type=JSON)) == refusal


def test_those_of_the_site_are_listed_last_and_are_read_only(
    tab: Client, tmp_path: Path, settings: Any
) -> None:
    settings.CHAT_CATALOG = catalog_with_presets(tmp_path)
    make(tab, "Zebra")
    listed = tab.get(URL).json()["presets"]
    assert [one["name"] for one in listed] == ["Zebra", "Kind critic", "Poet"]
    assert (listed[1]["id"], listed[1]["url"]) == ("critic", None)
    assert listed[1]["is_of_site"]


def test_a_conversation_begins_with_one_or_takes_one(tab: Client, owner: User) -> None:
    make_preset(owner, "Rhymes", instructions="Answer in rhymes.")
    brief = make_preset(owner, "Brief", instructions="Be brief.")
    begun = tab.post(
        "/api/v1/messages", {"text": "hi", "preset": "rhymes"}, content_type=JSON
    )
    talk = Conversation.objects.get(pk=begun.json()["conversation"])
    assert talk.instructions == "Answer in rhymes."
    made = tab.post(
        "/api/v1/conversations",
        {"title": "Bees", "preset": str(brief.pk)},
        content_type=JSON,
    )
    assert Conversation.objects.get(pk=made.json()["id"]).instructions == "Be brief."
    applied = tab.post(
        f"/api/v1/conversations/{talk.pk}/preset",
        {"preset": "Brief"},
        content_type=JSON,
    )
    assert applied.json()["chosen"]["instructions"] == "Be brief."


def test_one_that_is_not_there_or_comes_too_late_sends_nothing(
    tab: Client, owner: User
) -> None:
    talk = Conversation.objects.create(owner=owner, title="Bees")
    make_preset(owner, "Rhymes")
    into = {"text": "hi", "conversation": str(talk.pk), "preset": "Rhymes"}
    calls: list[tuple[str, dict[str, str], str]] = [
        ("messages", {"text": "hi", "preset": "x"}, "no_preset"),
        ("messages", into, "not_new"),
        ("conversations", {"title": "Bees", "preset": "x"}, "no_preset"),
        (f"conversations/{talk.pk}/preset", {"preset": "x"}, "no_preset"),
    ]
    for path, body, code in calls:
        answer = tab.post(f"/api/v1/{path}", body, content_type=JSON)
        assert code_of(answer) == (422, code)
    assert list(Conversation.objects.all()) == [talk]
    assert not talk.messages.exists()
