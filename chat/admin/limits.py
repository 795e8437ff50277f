"""What support may change of a person; their limits are checked name by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.admin.elsewhere import borrowed
from chat.models import User

if TYPE_CHECKING:
    UserModelForm = forms.ModelForm[User]
else:
    UserModelForm = forms.ModelForm

NAMES = (
    "prompts_per_minute",
    "prompts_per_day",
    "replies_waiting",
    "tokens_per_day",
)
LIMIT_MAX = 10**9


class UserForm(UserModelForm):
    limits = forms.JSONField(
        label=_("Limits"),
        required=False,
        help_text=_(
            "Only what differs from the settings, as {“prompts_per_day”: 500,"
            " “tokens_per_day”: null}; null is no limit, empty is as everybody."
        ),
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
    )

    class Meta:
        model = User
        fields = ("email", "is_active", "is_staff", "is_superuser", "groups", "limits")

    #: Whoever edits, set by the admin.
    editor: User

    def clean_limits(self) -> dict[str, int | None]:
        check = borrowed("chat.services.limits", "clean_limits") or checked
        found: dict[str, int | None] = check(self.cleaned_data["limits"])
        return found

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        rights = ("is_active", "is_superuser", "is_staff")
        lost = [name for name in rights if self.cleaned_data.get(name) is False]
        if self.instance.pk == self.editor.pk and lost:
            said = gettext("Nobody takes their own rights: somebody else has to do it.")
            raise ValidationError(said)
        return cleaned


def checked(raw: Any) -> dict[str, int | None]:
    """Limits as they are kept. Raises ``ValidationError``."""
    if raw in (None, ""):
        return {}
    if not isinstance(raw, dict):
        raise ValidationError(gettext('Write limits as {"prompts_per_day": 500}.'))
    for name, limit in raw.items():
        if name not in NAMES:
            said = gettext("There is no limit “%(name)s”; there are %(names)s.")
            raise ValidationError(
                said, params={"name": name, "names": ", ".join(NAMES)}
            )
        is_count = type(limit) is int and 1 <= limit <= LIMIT_MAX
        if limit is not None and not is_count:
            said = gettext("%(name)s must be a whole number above 0, or null.")
            raise ValidationError(said, params={"name": name})
    return raw
