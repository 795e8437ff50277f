"""The settings of a user, and of one conversation."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.accounts.guests import ensure_guest_cookie, get_or_create_sender
from chat.forms import PreferencesForm
from chat.http.get_or_404 import get_conversation_or_404
from chat.http.language import chosen_language, offered_languages, remember_language
from chat.http.request import has_account, owner_id, visitor_or_new
from chat.http.theme import THEMES, remember_theme, theme_of
from chat.models import Conversation, User
from chat.page.action_response import with_refusal_status
from chat.page.context import PageContext, frame_context
from chat.page.context_limits import LimitsContext, limits_context
from chat.services.effective_settings import EffectiveSettings, effective_settings
from chat.services.errors import MessageRefused
from chat.services.jobs.workers import ModelStatus, model_statuses
from chat.services.notifications.vapid import public_key
from chat.services.presets import OfferedPreset, offered_presets

METHODS = ["GET", "HEAD", "POST"]


class PreferencesContext(PageContext):
    """For ``settings/_form_fields.html``."""

    preferences_form: PreferencesForm
    #: All models of the catalogue, with the state of their workers.
    model_statuses: list[ModelStatus]
    #: Whether the page says that the form was saved.
    is_saved: bool


class SettingsContext(PreferencesContext, LimitsContext):
    """For ``settings/settings.html``."""

    #: Labels of the themes by name.
    themes: Mapping[str, str | Promise]
    theme_chosen: str
    #: Names of the languages by code; empty where there is only one.
    languages: Mapping[str, str]
    language_chosen: str
    #: The site's key for Web Push; empty where it sends no notices.
    push_key: str


class ConversationSettingsContext(PreferencesContext):
    """For ``settings/conversation_settings.html``."""

    conversation: Conversation
    #: What can be applied to it.
    presets: list[OfferedPreset]
    #: Whether the page says that a preset was applied.
    is_applied: bool
    #: Why none was; empty while nothing was refused.
    preset_error: str


@never_cache
@require_http_methods(METHODS)
def settings(request: HttpRequest) -> HttpResponse:
    """Show or save the settings for all conversations, and those of this browser."""
    form = _form(request, visitor_or_new(request), effective_settings(User()))
    if "u" in request.POST and not has_account(request):
        error = _("You’ve been logged out. Log in to save this.")
        form.add_error(None, error)
    if request.method == "POST" and form.is_valid():
        try:
            return _saved(request, form)
        except (
            MessageRefused
        ) as refused:  # an anonymous visitor, for whom no guest may be created
            form.add_error(None, refused.message)
            return with_refusal_status(
                _settings_page(request, form), refused.retry_seconds
            )
    return _settings_page(request, form)


def _settings_page(request: HttpRequest, form: PreferencesForm) -> HttpResponse:
    context: SettingsContext = {
        **_preferences_context(request, form),
        **limits_context(request),
        "themes": THEMES,
        "theme_chosen": theme_of(request),
        "languages": offered_languages(),
        "language_chosen": chosen_language(request),
        "push_key": public_key(),
    }
    page = render(request, "settings/settings.html", context, status=_status(form))
    ensure_guest_cookie(request, page)
    return page


def _saved(request: HttpRequest, form: PreferencesForm) -> HttpResponse:
    """Save the form of the user. Raises ``MessageRefused``."""
    form.save(get_or_create_sender(request))
    saved = HttpResponseRedirect(reverse("settings") + "?saved", status=303)
    remember_theme(request, saved)
    remember_language(request, saved)
    return saved


@never_cache
@require_http_methods(METHODS)
def conversation_settings(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show or save the settings of one conversation; they apply from the next reply."""
    found = get_conversation_or_404(owner_id(request), pk)
    form = _form(request, found, effective_settings(found.owner))
    if request.method == "POST" and form.is_valid():
        form.save(found)
        page = reverse("conversation", args=[found.pk])
        return HttpResponseRedirect(page, status=303)
    return conversation_settings_page(request, found, form=form)


def conversation_settings_page(
    request: HttpRequest,
    conversation: Conversation,
    preset_error: str = "",
    form: PreferencesForm | None = None,
) -> HttpResponse:
    """The page of the settings of a conversation; as they are saved without a form."""
    if form is None:
        initial = PreferencesForm.initial_of(conversation)
        defaults = effective_settings(conversation.owner)
        form = PreferencesForm(initial=initial, defaults=defaults)
    context: ConversationSettingsContext = {
        **_preferences_context(request, form),
        "conversation": conversation,
        "presets": offered_presets(conversation.owner_id),
        "is_applied": "applied" in request.GET,
        "preset_error": preset_error,
    }
    status = 422 if preset_error else _status(form)
    template = "settings/conversation_settings.html"
    return render(request, template, context, status=status)


def _form(
    request: HttpRequest, chosen: User | Conversation, defaults: EffectiveSettings
) -> PreferencesForm:
    if request.method == "POST":
        return PreferencesForm(request.POST, defaults=defaults)
    initial = PreferencesForm.initial_of(chosen)
    return PreferencesForm(initial=initial, defaults=defaults)


def _preferences_context(
    request: HttpRequest, form: PreferencesForm
) -> PreferencesContext:
    return {
        **frame_context(request),
        "preferences_form": form,
        "model_statuses": model_statuses(),
        "is_saved": "saved" in request.GET,
    }


def _status(form: PreferencesForm) -> int:
    return 422 if form.errors else 200
