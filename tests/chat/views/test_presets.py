"""The pages of presets, and where one is picked and applied without a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from chat.models import Conversation, Preset, User
from chat.services.preset_changes import make_preset
from tests.chat.pages import form_data, text_of
from tests.chat.preset_catalog import catalog_with_presets
from tests.dom import dom

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def rhymes(owner: User) -> Preset:
    chosen = {"instructions": "Answer in rhymes.", "settings": {"temperature": 1.5}}
    return make_preset(owner, "Rhymes", model="smollm2", **chosen)


@pytest.fixture
def talk(owner: User) -> Conversation:
    return Conversation.objects.create(owner=owner, title="Bees")


def form(**typed: str) -> dict[str, str]:
    return {"id": str(uuid4()), "name": "Brief", **typed}


def test_a_preset_is_made_once_changed_and_deleted(tab: Client, owner: User) -> None:
    page = dom(tab.get("/presets/new/"))
    given = page.one("input[name=id]")["value"] or ""
    typed = form(id=given, instructions="Be brief.", temperature="0.5", stop="END")
    answers = [tab.post("/presets/new/", typed) for _ in range(2)]
    assert [answer["Location"] for answer in answers] == ["/presets/?saved"] * 2
    made = Preset.objects.get()
    assert (made.owner, made.name, made.instructions) == (owner, "Brief", "Be brief.")
    assert made.settings == {"temperature": 0.5, "stop": ["END"]}
    listed = dom(tab.get("/presets/?saved"))
    assert "The preset is saved." in listed.text
    assert "2 settings" in listed.one(".presets").text
    url = f"/presets/{made.pk}/"
    assert dom(tab.get(url)).one("[name=instructions]").text == "Be brief."
    changed = tab.post(url, form(name="Briefer", description="For questions"))
    assert changed["Location"] == "/presets/?saved"
    made.refresh_from_db()
    assert (made.name, made.description) == ("Briefer", "For questions")
    assert (made.instructions, made.settings) == ("", {})
    assert tab.post(f"{url}delete/")["Location"] == "/presets/?deleted"
    assert tab.get(url).status_code == 404
    assert "No presets yet." in text_of(tab.get("/presets/"))


def test_a_form_that_is_changed_after_the_back_button_makes_another_preset(
    tab: Client, owner: User
) -> None:
    typed = form(name="Brief")
    for name in ("Brief", "Brief", "Briefer"):
        tab.post("/presets/new/", {**typed, "name": name})
    assert {one.name for one in Preset.objects.all()} == {"Brief", "Briefer"}
    refused = tab.post("/presets/new/", {**typed, "instructions": "Be brief."})
    assert "You have a preset of this name." in dom(refused).one("#preferences").text


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"name": " "}, "Write a name first."),
        ({"name": "x" * 61}, "At most 60 characters."),
        ({"name": "rhymes"}, "You have a preset of this name."),
        ({"description": "x" * 201}, "At most 200 characters."),
        ({"temperature": "9"}, "At most 2."),
        ({"model": "no-such"}, "There is no model no-such."),
        ({"instructions": "x" * 4001}, "4000"),
    ],
)
def test_what_is_refused_stays_in_the_form(
    tab: Client, rhymes: Preset, typed: dict[str, str], problem: str
) -> None:
    other = make_preset(rhymes.owner, "Other")
    for url in ("/presets/new/", f"/presets/{other.pk}/"):
        answer = tab.post(url, form(**typed))
        assert answer.status_code == 422
        assert problem in dom(answer).one("#preferences").text
    assert Preset.objects.count() == 2
    other.refresh_from_db()
    assert other.name == "Other"


def test_too_many_are_refused_beside_the_form(tab: Client, settings: Any) -> None:
    settings.PRESETS_MAX = 1
    tab.post("/presets/new/", form(name="One"))
    answer = tab.post("/presets/new/", form(name="Two"))
    assert answer.status_code == 422
    assert "You have 1 preset, and may have no more." in text_of(answer)


def test_a_visitor_becomes_a_guest_by_saving_one(box: Any) -> None:
    visitor = Client()
    assert "No presets yet." in text_of(visitor.get("/presets/"))
    visitor.get("/presets/new/")
    assert visitor.post("/presets/new/", form()).status_code == 303
    assert "Brief" in dom(visitor.get("/presets/")).one(".presets").text


def test_the_empty_page_offers_them_and_the_message_carries_the_choice(
    tab: Client, rhymes: Preset
) -> None:
    page = tab.get(f"/?preset={rhymes.pk}")
    select = dom(page).one("select[name=preset][form=composer]")
    assert select.one("option[selected]")["value"] == str(rhymes.pk)
    typed = {**form_data(page, "hi"), "preset": str(rhymes.pk)}
    assert tab.post("/send/", typed).status_code == 303
    assert Conversation.objects.get().instructions == "Answer in rhymes."


def test_without_presets_the_empty_page_has_no_choice(tab: Client) -> None:
    assert "select[name=preset]" not in dom(tab.get("/"))


def test_a_preset_that_is_gone_keeps_the_text(tab: Client, rhymes: Preset) -> None:
    typed = {**form_data(tab.get("/"), "my words"), "preset": str(rhymes.pk)}
    rhymes.delete()
    answer = tab.post("/send/", typed)
    assert answer.status_code == 422
    page = dom(answer)
    assert page.one("#text").text.strip() == "my words"
    assert "This preset is no longer there." in page.one("#refusal").text
    assert not Conversation.objects.exists()


def test_the_settings_of_a_conversation_apply_one_and_save_one(
    tab: Client, rhymes: Preset, talk: Conversation
) -> None:
    url = f"/c/{talk.pk}/settings/"
    page = dom(tab.get(url))
    apply = page.one(f'form[action="/c/{talk.pk}/preset/"]')
    assert apply.one("select[name=preset] optgroup")["label"] == "Your presets"
    answer = tab.post(apply["action"] or "", {"preset": str(rhymes.pk)})
    assert answer["Location"] == f"{url}?applied"
    after = dom(tab.get(f"{url}?applied"))
    assert "The preset was applied." in after.text
    assert after.one("[name=instructions]").text == "Answer in rhymes."
    assert page.all("button[form=preferences]")[0].text == "Save"  # what Enter does
    draft = page.one("button[name=draft]")
    typed = {"draft": "1", "instructions": "Unsaved words", "top_k": "4"}
    form_page = dom(tab.post(draft["formaction"] or "", typed))
    assert form_page.one("[name=instructions]").text == "Unsaved words"
    assert form_page.one("[name=top_k]")["value"] == "4"
    assert Preset.objects.count() == 1


def test_applying_one_that_is_gone_says_so(
    tab: Client, rhymes: Preset, talk: Conversation
) -> None:
    answer = tab.post(f"/c/{talk.pk}/preset/", {"preset": str(uuid4())})
    assert answer.status_code == 422
    assert "This preset is no longer there." in text_of(answer)
    quiet = tab.post(f"/c/{talk.pk}/preset/", {"preset": "x"}, headers=HTMX)
    assert quiet.status_code == 422


def test_the_menu_of_the_message_box_names_all_with_what_they_are_for(
    tab: Client, rhymes: Preset, talk: Conversation, tmp_path: Path, settings: Any
) -> None:
    settings.CHAT_CATALOG = catalog_with_presets(tmp_path)
    for url in ("/presets/menu/", f"/c/{talk.pk}/preset/"):
        menu = dom(tab.get(url, headers=HTMX))
        names = menu.texts("[role=option] .title")
        assert names == ["Rhymes", "Kind critic", "Poet"]
        assert "Finds what is weak." in menu.text
        assert tab.get(url).status_code == 303
    applied = tab.post(f"/c/{talk.pk}/preset/", {"preset": "critic"}, headers=HTMX)
    assert applied.status_code == 200
    talk.refresh_from_db()
    assert (talk.model, talk.settings) == ("smollm2", {"temperature": 0.3})


def test_those_of_the_site_are_marked_and_cannot_be_changed(
    tab: Client, tmp_path: Path, settings: Any
) -> None:
    settings.CHAT_CATALOG = catalog_with_presets(tmp_path)
    page = dom(tab.get("/presets/"))
    assert page.text.count("Of this site") == 2
    assert ".presets details" not in page
    assert '.presets a[href="/?preset=critic"]' in page


def test_a_model_that_is_no_longer_offered_is_named(tab: Client, owner: User) -> None:
    old = make_preset(owner, "Old", model="gone")
    for url in ("/presets/", f"/presets/{old.pk}/"):
        note = dom(tab.get(url)).one(".note.warn").text
        assert "Its model gone is no longer offered." in note
        assert "answers instead" in note
