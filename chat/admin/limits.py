"""What support may change of a person; their limits are checked name by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.models import User
from chat.services.limits.rules import clean_limits

if TYPE_CHECKING:
    UserModelForm = forms.ModelForm[User]
else:
    UserModelForm = forms.ModelForm


class UserForm(UserModelForm):
    limits = forms.JSONField(
        label=_("Limits"),
        required=False,
        help_text=_(
            'Only what differs from the settings, as {"prompts_per_day": 500,'
            ' "tokens_per_day": null}; null is no limit, empty is as everybody.'
        ),
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
    )

    class Meta:
        model = User
        fields = ("email", "is_active", "is_staff", "is_superuser", "groups", "limits")

    #: Whoever edits, set by the admin.
    editor: User

    def clean_limits(self) -> dict[str, int | None]:
        return clean_limits(self.cleaned_data["limits"])

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        rights = ("is_active", "is_superuser", "is_staff")
        lost = [name for name in rights if self.cleaned_data.get(name) is False]
        if self.instance.pk == self.editor.pk and lost:
            said = gettext("Nobody takes their own rights: somebody else has to do it.")
            raise ValidationError(said)
        return cleaned
