"""Presets: made, found, applied, moved with a guest, and erased with an account."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chat.accounts.account_deletion import close_account
from chat.accounts.data_export import export_user
from chat.accounts.guest_merge import merge_guest
from chat.models import Conversation, Preset, User
from chat.services.effective_settings import effective_settings
from chat.services.errors import MessageRefused
from chat.services.preset_changes import change_preset, free_name, make_preset
from chat.services.presets import apply_preset, find_preset, offered_presets
from chatsite.mailbox import Mailbox
from tests.chat.preset_catalog import catalog_with_presets

pytestmark = pytest.mark.django_db

RHYMES: dict[str, Any] = {
    "model": "smollm2",
    "instructions": "Answer in rhymes.",
    "settings": {"temperature": 1.5},
}


@pytest.fixture
def rhymes(owner: User) -> Preset:
    return make_preset(owner, "Rhymes", **RHYMES)


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.guest(uuid4())


def refusal(act: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(MessageRefused) as caught:
        act(*arguments, **more)
    return caught.value.code


def test_a_new_conversation_begins_with_a_copy_of_what_was_picked(
    owner: User, rhymes: Preset, sent
) -> None:
    owner.settings = {"temperature": 0.1, "top_p": 0.5}
    owner.save()
    reply = sent(owner, "hi", preset=str(rhymes.pk))
    assert (reply.model, reply.instructions) == ("smollm2", "Answer in rhymes.")
    assert (reply.settings["temperature"], reply.settings["top_p"]) == (1.5, 0.5)
    change_preset(rhymes, instructions="Be brief.", settings={}, model="")
    talk = Conversation.objects.get()
    assert talk.instructions == "Answer in rhymes."
    again = sent(owner, "more", talk)
    assert (again.model, again.settings["temperature"]) == ("smollm2", 1.5)


def test_a_preset_that_is_gone_sends_nothing(
    owner: User, rhymes: Preset, stranger: User, sent
) -> None:
    theirs = make_preset(stranger, "Theirs")
    for picked in (str(theirs.pk), "Theirs", str(uuid4()), "no such", "\n"):
        if picked.strip():
            assert refusal(sent, owner, preset=picked) == "no_preset"
    assert not Conversation.objects.exists()


def test_changes_of_two_pages_at_the_same_time_are_both_kept(rhymes: Preset) -> None:
    stale = Preset.objects.get()
    change_preset(rhymes, instructions="Be brief.")
    change_preset(stale, description="For questions")
    rhymes.refresh_from_db()
    assert (rhymes.instructions, rhymes.description) == ("Be brief.", "For questions")


def test_a_message_that_is_repeated_is_found_although_its_preset_is_gone(
    owner: User, rhymes: Preset, sent
) -> None:
    first = sent(owner, "hi", key="one", preset="rhymes")
    rhymes.delete()
    assert sent(owner, "hi", key="one", preset="rhymes") == first
    assert refusal(sent, owner, "hi", key="one", preset="other") == "key_reused"


def test_applied_to_a_conversation_it_replaces_all_settings(
    owner: User, rhymes: Preset
) -> None:
    talk = Conversation.objects.create(
        owner=owner, title="Bees", settings={"top_k": 3}, instructions="Be brief."
    )
    apply_preset(talk, find_preset(owner.pk, "RHYMES"))
    talk.refresh_from_db()
    assert {name: getattr(talk, name) for name in RHYMES} == RHYMES
    empty = make_preset(owner, "Nothing")
    apply_preset(talk, find_preset(owner.pk, str(empty.pk)))
    talk.refresh_from_db()
    assert (talk.model, talk.instructions, talk.settings) == ("", "", {})


def test_a_model_that_is_no_longer_offered_falls_back_as_in_a_conversation(
    owner: User, sent
) -> None:
    make_preset(owner, "Old", model="gone", instructions="Stay.")
    [offered] = offered_presets(owner.pk)
    assert (offered.is_model_gone, offered.model_label) == (True, "gone")
    reply = sent(owner, preset="old")
    talk = reply.message.conversation
    assert reply.model == effective_settings(owner, talk).entry.name == "scripted"
    assert reply.instructions == "Stay."


def test_names_are_unique_for_each_person_whatever_their_case(
    owner: User, stranger: User, rhymes: Preset
) -> None:
    assert refusal(make_preset, owner, " rHYMES ") == "name_taken"
    other = make_preset(owner, "Ärger")
    assert refusal(make_preset, owner, "ÄRGER") == "name_taken"
    assert refusal(change_preset, other, name="rhymes") == "name_taken"
    # PostgreSQL takes these for the same letter.
    assert [make_preset(owner, name).name for name in ("İ", "i")] == ["İ", "i"]
    change_preset(rhymes, name="RHYMES")
    make_preset(stranger, "Rhymes")
    assert refusal(make_preset, owner, " \u200b\n ") == "blank_name"
    assert refusal(make_preset, owner, "x" * 61) == "name_too_long"


def test_one_that_was_deleted_meanwhile_does_not_come_back(
    owner: User, rhymes: Preset
) -> None:
    Preset.objects.all().delete()
    assert refusal(change_preset, rhymes, name="Verse") == "no_preset"
    assert not Preset.objects.exists()


def test_a_person_has_as_many_as_the_site_allows(
    owner: User, stranger: User, settings: Any
) -> None:
    settings.PRESETS_MAX = 1
    kept = make_preset(owner, "One")
    assert refusal(make_preset, owner, "Two") == "too_many_presets"
    change_preset(kept, name="Only")
    make_preset(stranger, "Two")


def test_those_of_the_site_come_last_and_give_way_to_own_ones_of_the_same_name(
    owner: User, stranger: User, tmp_path: Path, settings: Any
) -> None:
    settings.CHAT_CATALOG = catalog_with_presets(tmp_path)
    for name in ("zebra", "Apple"):
        make_preset(owner, name)
    names = [preset.name for preset in offered_presets(owner.pk)]
    assert names == ["Apple", "zebra", "Kind critic", "Poet"]
    make_preset(owner, "kind CRITIC")
    offered = {preset.name: preset for preset in offered_presets(owner.pk)}
    assert [*offered] == ["Apple", "kind CRITIC", "zebra", "Poet"]
    assert not find_preset(owner.pk, "Kind critic").is_of_site
    assert find_preset(stranger.pk, "Kind critic").is_of_site
    own = make_preset(stranger, "Critic")
    assert find_preset(stranger.pk, "critic").key == str(own.pk)
    assert find_preset(None, "critic").instructions == "Say what is weak."


def test_a_guests_presets_move_into_the_account(
    owner: User, rhymes: Preset, box: Mailbox
) -> None:
    account = User.objects.create_user("bee")
    kept = make_preset(account, "RHYMES", instructions="Mine.")
    other = make_preset(owner, "Other")
    merge_guest(owner.pk, account)
    found = dict(Preset.objects.filter(owner=account).values_list("pk", "name"))
    assert found == {kept.pk: "RHYMES", rhymes.pk: "Rhymes (2)", other.pk: "Other"}


def test_a_name_that_is_taken_gets_a_number_and_stays_within_the_limit() -> None:
    assert free_name("Bee", {"bee", "bee (2)"}) == "Bee (3)"
    assert free_name("x" * 60, {"x" * 60}) == "x" * 56 + " (2)"


def test_they_are_in_the_download_and_gone_with_the_account(
    owner: User, rhymes: Preset, stranger: User, box: Mailbox
) -> None:
    make_preset(stranger, "Theirs")
    written = "".join(export_user(owner))
    assert "Answer in rhymes." in written
    assert "Theirs" not in written
    close_account(owner)
    assert [preset.name for preset in Preset.objects.all()] == ["Theirs"]
