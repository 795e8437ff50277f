"""The form for a user: limits, rights and address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

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
    """What support may change of a user; the admin sets ``editor``."""

    limits = forms.JSONField(
        label=_("Limits"),
        required=False,
        help_text=_(
            "Only limits that differ from the settings, such as"
            ' {"prompts_per_day": 500, "tokens_per_day": null}; null means no limit.'
        ),
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
    )

    class Meta:
        model = User
        labels: ClassVar = {
            "is_active": _("Active"),
            "is_staff": _("Staff: may open the admin"),
            "is_superuser": _("Superuser: has all permissions"),
        }
        fields = ("email", "is_active", "is_staff", "is_superuser", "groups", "limits")

    #: The user who fills in the form, set by the admin.
    editor: User

    def clean_limits(self) -> dict[str, int | None]:
        """Check the limits name by name. Raises ``ValidationError``."""
        return clean_limits(self.cleaned_data["limits"])

    def clean(self) -> dict[str, Any] | None:
        """Keep editors from taking their own rights."""
        cleaned = super().clean()
        rights = ("is_active", "is_superuser", "is_staff")
        lost = [name for name in rights if self.cleaned_data.get(name) is False]
        if self.instance.pk == self.editor.pk and lost:
            message = gettext("You can’t remove your own rights. Another admin can.")
            raise ValidationError(message)
        return cleaned
