"""The pages on which people see, make, change and delete their presets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from chat.accounts.guests import ensure_guest_cookie, get_or_create_sender
from chat.forms.once import id_of, make_once
from chat.forms.presets import PresetForm
from chat.http.get_or_404 import get_preset_or_404
from chat.http.request import has_account, owner_id, visitor_or_new
from chat.models import Preset
from chat.page.context import PageContext, frame_context
from chat.services.effective_settings import effective_settings
from chat.services.errors import MessageRefused
from chat.services.jobs.workers import ModelStatus, model_statuses
from chat.services.preset_changes import change_preset, make_preset
from chat.services.presets import OfferedPreset, as_offered, offered_presets
from chatsite.model_choice import model_entry

METHODS = ["GET", "HEAD", "POST"]
#: What was just done, by the parameter in the address of the page.
NOTES = {
    "saved": gettext_lazy("The preset is saved."),
    "deleted": gettext_lazy("The preset was deleted."),
}


class PresetsContext(PageContext):
    """For ``presets/presets.html``."""

    presets: list[OfferedPreset]
    notes: list[str | Promise]
    #: Label of the model that answers where that of a preset is gone.
    site_model: str


class PresetContext(PageContext):
    """For ``presets/preset.html``."""

    #: None for one that is being made.
    preset: OfferedPreset | None
    preferences_form: PresetForm
    model_statuses: list[ModelStatus]
    site_model: str


@never_cache
@require_safe
def presets(request: HttpRequest) -> HttpResponse:
    """List the presets of the visitor, and the site's."""
    context: PresetsContext = {
        **frame_context(request),
        "presets": offered_presets(owner_id(request)),
        "notes": [note for name, note in NOTES.items() if name in request.GET],
        "site_model": model_entry().label,
    }
    return render(request, "presets/presets.html", context)


@never_cache
@require_http_methods(METHODS)
def new_preset(request: HttpRequest) -> HttpResponse:
    """Show the form for a preset, or make one.

    ``draft`` comes from the settings of a conversation, whose fields fill the form.
    """
    if request.method != "POST":
        return _page(request, _form(request, {}))
    if "draft" in request.POST:
        return _page(request, _form(request, request.POST.dict()))
    form = _form(request)
    if not form.is_valid():
        return _page(request, form)
    given = form.cleaned_data["id"]
    try:
        owner = get_or_create_sender(request)
        fields = form.preset_fields()
        if given is None:
            make_preset(owner, **fields)
        else:
            pk = id_of(given, owner.pk, fields)
            make_once(Preset, pk, lambda: make_preset(owner, pk=pk, **fields))
    except MessageRefused as refused:
        return _page(request, _refused(form, refused))
    return _redirect("saved")


@never_cache
@require_http_methods(METHODS)
def preset(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a preset in its form, or change it."""
    found = get_preset_or_404(owner_id(request), pk)
    if request.method != "POST":
        initial = PresetForm.initial_of_preset(found)
        return _page(request, _form(request, initial), found)
    form = _form(request)
    if not form.is_valid():
        return _page(request, form, found)
    try:
        change_preset(found, **form.preset_fields())
    except MessageRefused as refused:
        before = get_preset_or_404(owner_id(request), pk)
        return _page(request, _refused(form, refused), before)
    return _redirect("saved")


@require_POST
def delete_preset(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a preset; conversations that began with it stay as they are."""
    get_preset_or_404(owner_id(request), pk).delete()
    return _redirect("deleted")


def _form(request: HttpRequest, initial: dict[str, Any] | None = None) -> PresetForm:
    """What was sent, or a form with initial values."""
    defaults = effective_settings(visitor_or_new(request))
    if initial is not None:
        return PresetForm(initial=initial, defaults=defaults)
    form = PresetForm(request.POST, defaults=defaults)
    if "u" in request.POST and not has_account(request):
        form.add_error(None, _("You’ve been logged out. Log in to save this."))
    return form


def _refused(form: PresetForm, refused: MessageRefused) -> PresetForm:
    """The form with the reason for a refusal."""
    place = "name" if refused.code == "name_taken" else None
    form.add_error(place, refused.bare_message)
    return form


def _page(
    request: HttpRequest, form: PresetForm, preset: Preset | None = None
) -> HttpResponse:
    context: PresetContext = {
        **frame_context(request),
        "preset": as_offered(preset) if preset else None,
        "preferences_form": form,
        "model_statuses": model_statuses(),
        "site_model": model_entry().label,
    }
    status = 422 if form.errors else 200
    page = render(request, "presets/preset.html", context, status=status)
    ensure_guest_cookie(request, page)
    return page


def _redirect(note: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('presets')}?{note}", status=303)
