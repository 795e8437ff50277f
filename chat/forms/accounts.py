"""The forms of the account pages. No password is ever put back into one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.functional import lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from chat.accounts import invitations
from chat.accounts.login_throttle import is_correct_password
from chat.accounts.site_url import can_mail
from chat.accounts.usernames import clean_username
from chat.models import User

#: Longer ones only cost time to digest.
PASSWORD_MAX_CHARACTERS = 512
PASSWORD = _("Password")
#: So that browsers fill it in, and change nothing of it.
NAME = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}


class PasswordField(forms.CharField):
    """One that is there already, or a new one, so that browsers know."""

    def __init__(self, label: Any = PASSWORD, *, is_new: bool = False) -> None:
        known = "new-password" if is_new else "current-password"
        super().__init__(
            label=label,
            strip=False,
            max_length=PASSWORD_MAX_CHARACTERS,
            widget=forms.PasswordInput(attrs={"autocomplete": known}),
            help_text=_how_long() if is_new else "",
        )


def _how_long_now() -> str:
    said = ngettext(
        "At least %(count)s character, and none of the common ones.",
        "At least %(count)s characters, and none of the common ones.",
        settings.PASSWORD_MIN_CHARACTERS,
    )
    return said % {"count": settings.PASSWORD_MIN_CHARACTERS}


#: In the language of whoever is shown it.
_how_long = lazy(_how_long_now, str)


def _what_for_now() -> str:
    if can_mail():
        return gettext("Only to choose a new password, should you forget yours.")
    return gettext("You can log in with it as well. No mail is sent.")


_what_for = lazy(_what_for_now, str)


class EmailField(forms.EmailField):
    """Kept in small letters: nobody means another by its case."""

    def __init__(self, **more: Any) -> None:
        attributes = {"autocomplete": "email", "autocapitalize": "none"}
        super().__init__(
            max_length=254, widget=forms.EmailInput(attrs=attributes), **more
        )

    def clean(self, value: Any) -> Any:
        return str(super().clean(value)).lower()


class LogInForm(forms.Form):
    name = forms.CharField(
        label=_("Name or e-mail"),
        max_length=254,
        widget=forms.TextInput(attrs=NAME),
    )
    password = PasswordField()


class SignUpForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        help_text=_("You log in with it. Nobody else sees it but who runs this site."),
        max_length=150,
        widget=forms.TextInput(attrs=NAME),
    )
    password = PasswordField(is_new=True)
    email = EmailField(
        label=_("E-mail (optional)"),
        help_text=_what_for(),
        required=False,
    )

    def clean_name(self) -> str:
        name = clean_username(self.cleaned_data["name"])
        if User.objects.named(name) is not None:
            raise ValidationError(name_taken())
        return name

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        person = User(username=given.get("name"), email=given.get("email") or "")
        check_password(self, "password", person)
        return given


def name_taken() -> str:
    return gettext("Somebody has this name already. Choose another one.")


def address_taken() -> str:
    return gettext("Another account here has this address.")


def asked_before() -> str:
    return gettext("A mail was sent there a moment ago. Ask again in two minutes.")


def check_password(form: forms.Form, field: str, user: User) -> None:
    """Say of a new password what is wrong with it."""
    password = form.cleaned_data.get(field)
    if password is None:
        return
    try:
        validate_password(password, user)
    except ValidationError as refused:
        form.add_error(field, refused)


class OwnForm(forms.Form):
    """What only somebody may do who knows the account's password; guessing it here is
    counted as it is at log-in."""

    def __init__(self, request: HttpRequest, user: User, **initial: Any) -> None:
        data = request.POST if request.method == "POST" else None
        super().__init__(data, initial=initial)
        self.request, self.user = request, user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not is_correct_password(self.request, self.user, password):
            raise ValidationError(gettext("This is not your password."))
        return password


class PasswordForm(OwnForm):
    password = PasswordField(_("Your password now"))
    new = PasswordField(_("New password"), is_new=True)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        check_password(self, "new", self.user)
        return given


class EmailForm(OwnForm):
    email = EmailField(
        label=_("E-mail"), help_text=_("Leave it empty for none."), required=False
    )
    password = PasswordField()


class EraseForm(OwnForm):
    password = PasswordField()


class ForgottenForm(forms.Form):
    email = EmailField(label=_("E-mail"))


class ResetForm(forms.Form):
    """For somebody who holds a link."""

    new = PasswordField(_("New password"), is_new=True)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        check_password(self, "new", self.user)
        return given


class InviteForm(forms.Form):
    note = forms.CharField(
        label=_("For whom (optional)"),
        help_text=_("Only those who run this site see it."),
        max_length=200,
        required=False,
    )
    days = forms.IntegerField(
        label=_("Good for so many days"),
        min_value=1,
        max_value=invitations.VALID_DAYS_MAX,
        initial=invitations.VALID_DAYS,
    )
