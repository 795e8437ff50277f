"""API calls for presets: list, make, read, change, delete, apply."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from chat.api.access import Access
from chat.api.answers import answer
from chat.api.first_call import caller
from chat.api.idempotency_header import idempotency_key, once_for
from chat.api.key_access import BY_ITS_ID, OF_ACCOUNT
from chat.api.preset_data import (
    DeletedPresetData,
    PickedPreset,
    PresetBody,
    PresetChanges,
    PresetData,
    PresetList,
    serialize_preset,
)
from chat.api.settings import answer_settings, checked_settings
from chat.api.settings_data import ChosenSettings, SettingsData
from chat.forms.once import make_once
from chat.http.get_or_404 import get_conversation_or_404, get_preset_or_404
from chat.http.request import owner_id, visitor_or_new
from chat.models import Conversation, Preset, User
from chat.services import presets as offers
from chat.services.effective_settings import effective_settings
from chat.services.idempotency import key_reused
from chat.services.preset_changes import change_preset as change
from chat.services.preset_changes import clean_description, clean_name
from chat.services.preset_changes import make_preset as make

router = Router(tags=["Presets"])
MAY_READ = Access("can_read_history", own_by=OF_ACCOUNT)
MAY_CHANGE = Access("can_chat", own_by=OF_ACCOUNT)


@router.get("/presets", auth=Access("can_read_history"), response=PresetList)
def presets(request: HttpRequest) -> HttpResponse:
    """List the presets that a conversation can begin with."""
    found = offers.offered_presets(owner_id(request))
    listed = [serialize_preset(request, one) for one in found]
    return answer(PresetList(presets=listed))


@router.post("/presets", auth=MAY_CHANGE, response={201: PresetData})
def make_preset(request: HttpRequest, body: PresetBody) -> HttpResponse:
    """Make a preset."""
    key, fields = idempotency_key(request), _fields(request, body)
    with caller(request, key, f"preset\n{fields['name']}") as owner:
        pk = uuid.uuid4() if key is None else uuid.uuid5(owner.pk, f"preset {key}")
        made = make_once(Preset, pk, lambda: make(owner, pk=pk, **fields))
        made = made or _made_before(owner, pk, fields)
    data = serialize_preset(request, offers.as_offered(made))
    return answer(data, 201, {"Location": data.url or ""})


@router.get("/presets/{uuid:pk}", auth=MAY_READ, response=PresetData)
def preset(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read a preset."""
    return _answer(request, get_preset_or_404(owner_id(request), pk))


@router.patch("/presets/{uuid:pk}", auth=MAY_CHANGE, response=PresetData)
def change_preset(request: HttpRequest, pk: UUID, body: PresetChanges) -> HttpResponse:
    """Change a preset; conversations that began with it stay as they are."""
    found = get_preset_or_404(owner_id(request), pk)
    change(found, **_fields(request, body))
    return _answer(request, found)


@router.delete("/presets/{uuid:pk}", auth=MAY_CHANGE, response=DeletedPresetData)
def delete_preset(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a preset; conversations that began with it stay as they are."""
    get_preset_or_404(owner_id(request), pk).delete()
    return answer(DeletedPresetData(id=str(pk), deleted=True))


@router.post(
    "/conversations/{uuid:pk}/preset",
    auth=Access("can_chat", own_by=BY_ITS_ID),
    response=SettingsData,
)
def apply_preset(request: HttpRequest, pk: UUID, body: PickedPreset) -> HttpResponse:
    """Replace the settings of a conversation by those of a preset."""

    def act() -> Conversation:
        owner = owner_id(request)
        conversation = get_conversation_or_404(owner, pk, has_hidden=True)
        offers.apply_preset(conversation, offers.find_preset(owner, body.preset))
        return conversation

    once_for(request, ("preset", pk.hex, body.preset), act)
    found = get_conversation_or_404(owner_id(request), pk, has_hidden=True)
    return answer_settings(found.owner, found)


def _fields(request: HttpRequest, body: PresetBody | PresetChanges) -> dict[str, Any]:
    """The fields that a call names, checked. Raises what a form refuses."""
    fields: dict[str, Any] = {}
    if body.name is not None:
        fields["name"] = clean_name(body.name)
    if body.description is not None:
        fields["description"] = clean_description(body.description)
    if body.settings is not None:
        fields |= _settings(request, body.settings)
    return fields


def _settings(request: HttpRequest, body: ChosenSettings) -> dict[str, Any]:
    defaults = effective_settings(visitor_or_new(request))
    return checked_settings(body, defaults).chosen_fields()


def _answer(request: HttpRequest, found: Preset) -> HttpResponse:
    return answer(serialize_preset(request, offers.as_offered(found)))


def _made_before(owner: User, pk: UUID, fields: dict[str, Any]) -> Preset:
    """What an earlier call with this key has made. Raises ``MessageRefused``."""
    found = Preset.objects.filter(owner=owner, pk=pk).first()
    if found is None or any(getattr(found, n) != v for n, v in fields.items()):
        raise key_reused()
    return found
