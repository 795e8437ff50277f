"""API calls for settings: those of the caller, and of one conversation."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from chat.accounts.guests import get_or_create_sender
from chat.api.access import Access
from chat.api.answers import answer
from chat.api.key_access import BY_ITS_ID, OF_ACCOUNT
from chat.api.settings_data import ChosenSettings, EffectiveSettingsData, SettingsData
from chat.forms import PreferencesForm
from chat.http.api_errors import ApiError
from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import owner_id, visitor_or_new
from chat.models import Conversation, User
from chat.models.preferences import Preferences
from chat.services.effective_settings import EffectiveSettings, effective_settings
from chat.services.presets import OfferedPreset

router = Router(tags=["Settings"])


@router.get("/settings", auth=Access("can_read_history"), response=SettingsData)
def settings(request: HttpRequest) -> HttpResponse:
    """Read the settings for all conversations."""
    return answer_settings(visitor_or_new(request))


@router.put(
    "/settings", auth=Access("can_chat", own_by=OF_ACCOUNT), response=SettingsData
)
def set_settings(request: HttpRequest, body: ChosenSettings) -> HttpResponse:
    """Replace the settings for all conversations."""
    form = checked_settings(body, effective_settings(User()))
    user = get_or_create_sender(request)
    form.save(user)
    return answer_settings(user)


@router.get(
    "/conversations/{uuid:pk}/settings",
    auth=Access("can_chat", "can_read_history", own_by=BY_ITS_ID),
    response=SettingsData,
)
def conversation_settings(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read the settings of one conversation."""
    found = get_conversation_or_404(owner_id(request), pk, has_hidden=True)
    return answer_settings(found.owner, found)


@router.put(
    "/conversations/{uuid:pk}/settings",
    auth=Access("can_chat", own_by=BY_ITS_ID),
    response=SettingsData,
)
def set_conversation_settings(
    request: HttpRequest, pk: UUID, body: ChosenSettings
) -> HttpResponse:
    """Replace the settings of one conversation; they apply from the next reply."""
    found = get_conversation_or_404(owner_id(request), pk, has_hidden=True)
    checked_settings(body, effective_settings(found.owner)).save(found)
    return answer_settings(found.owner, found)


def checked_settings(
    body: ChosenSettings, defaults: EffectiveSettings
) -> PreferencesForm:
    """The form that a page would send. Raises ``ApiError``."""
    data = {**body.model_dump(exclude_none=True), "stop": "\n".join(body.stop)}
    form = PreferencesForm(data, defaults=defaults)
    for name, problems in form.errors.items():
        said = f"{name}: {problems[0]}"
        raise ApiError(422, "bad_settings", said, parameter=name)
    return form


def answer_settings(
    owner: User, conversation: Conversation | None = None
) -> HttpResponse:
    """The answer of all calls for settings."""
    found = effective_settings(owner, conversation)
    used: dict[str, Any] = {
        **asdict(found.settings),
        "model": found.entry.name,
        "instructions": found.instructions,
        "seed": found.seed,
    }
    return answer(
        SettingsData(
            chosen=chosen_settings(conversation or owner),
            effective=EffectiveSettingsData(**used),
        )
    )


def chosen_settings(chosen: Preferences | OfferedPreset) -> ChosenSettings:
    """Return what was chosen in one place."""
    return ChosenSettings.model_construct(
        model=chosen.model, instructions=chosen.instructions, **chosen.settings
    )
