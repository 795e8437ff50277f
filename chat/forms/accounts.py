"""Forms of the account pages. No form ever shows a password again."""

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

#: Longer passwords only cost time to hash.
PASSWORD_MAX_CHARACTERS = 512
PASSWORD = _("Password")
#: Lets browsers fill in the name, and keeps them from changing it.
NAME_ATTRIBUTES = {
    "autocomplete": "username",
    "autocapitalize": "none",
    "spellcheck": "false",
}


class PasswordField(forms.CharField):
    """A password; ``is_new`` tells browsers and password managers that it is chosen."""

    def __init__(self, label: Any = PASSWORD, *, is_new: bool = False) -> None:
        known = "new-password" if is_new else "current-password"
        super().__init__(
            label=label,
            strip=False,
            max_length=PASSWORD_MAX_CHARACTERS,
            widget=forms.PasswordInput(attrs={"autocomplete": known}),
            help_text=_password_help() if is_new else "",
        )


def _password_help_now() -> str:
    text = ngettext(
        "At least %(count)s character; avoid common passwords.",
        "At least %(count)s characters; avoid common passwords.",
        settings.PASSWORD_MIN_CHARACTERS,
    )
    return text % {"count": settings.PASSWORD_MIN_CHARACTERS}


#: Lazy, so that it is in the language of the reader.
_password_help = lazy(_password_help_now, str)


def _email_help_now() -> str:
    if can_mail():
        return gettext("Only used if you forget your password.")
    return gettext("A second way to log in. We send no email.")


_email_help = lazy(_email_help_now, str)


class EmailField(forms.EmailField):
    """An email address in lower case: no two people have one that differs by case."""

    def __init__(self, **more: Any) -> None:
        attributes = {"autocomplete": "email", "autocapitalize": "none"}
        super().__init__(
            max_length=254,
            widget=forms.EmailInput(attrs=attributes),
            error_messages={"invalid": _("Enter an email address.")},
            **more,
        )

    def clean(self, value: Any) -> Any:
        """Return the address in lower case."""
        return str(super().clean(value)).lower()


class LogInForm(forms.Form):
    """Name or email address, and password."""

    name = forms.CharField(
        label=_("Name or email"),
        max_length=254,
        widget=forms.TextInput(attrs=NAME_ATTRIBUTES),
    )
    password = PasswordField()


class SignUpForm(forms.Form):
    """Name, password and an optional email address of a new account."""

    name = forms.CharField(
        label=_("Name"),
        help_text=_("Used to log in. Visible only to you and the site admin."),
        max_length=150,
        widget=forms.TextInput(attrs=NAME_ATTRIBUTES),
    )
    password = PasswordField(is_new=True)
    email = EmailField(
        label=_("Email (optional)"),
        help_text=_email_help(),
        required=False,
    )

    def clean_name(self) -> str:
        """Return the name in its stored form. Raises ``ValidationError``."""
        name = clean_username(self.cleaned_data["name"])
        if User.objects.named(name) is not None:
            raise ValidationError(name_taken_message())
        return name

    def clean(self) -> dict[str, Any]:
        """Check the password, which must not resemble the name or address."""
        given = super().clean() or self.cleaned_data
        user = User(username=given.get("name"), email=given.get("email") or "")
        check_new_password(self, "password", user)
        return given


def name_taken_message() -> str:
    """Return the sentence for a name that another account has."""
    return gettext("This name is taken. Choose another one.")


def address_taken_message() -> str:
    """Return the sentence for an address that another account has."""
    return gettext("Another account uses this address.")


def mailed_recently_message() -> str:
    """Return the sentence for an address that got a mail a moment ago."""
    return gettext("We just sent an email there. Try again in two minutes.")


def check_new_password(form: forms.Form, field: str, user: User) -> None:
    """Add an error to ``field`` if its new password is too weak."""
    password = form.cleaned_data.get(field)
    if password is None:
        return
    try:
        validate_password(password, user)
    except ValidationError as refused:
        for error in refused.error_list:
            if error.code == "password_too_similar":
                # Django names the column of the table.
                error.message = gettext("Too similar to your name or address.")
            form.add_error(field, error)


class PasswordConfirmationForm(forms.Form):
    """A form that asks for the password of the account once more.

    Guesses count as they do at log-in.
    """

    def __init__(self, request: HttpRequest, user: User, **initial: Any) -> None:
        data = request.POST if request.method == "POST" else None
        super().__init__(data, initial=initial)
        self.request, self.user = request, user

    def clean_password(self) -> str:
        """Check the password. Raises ``ValidationError``."""
        password: str = self.cleaned_data["password"]
        if not is_correct_password(self.request, self.user, password):
            raise ValidationError(gettext("Wrong password."))
        return password


class PasswordForm(PasswordConfirmationForm):
    """The current password and a new one."""

    password = PasswordField(_("Current password"))
    new = PasswordField(_("New password"), is_new=True)

    def clean(self) -> dict[str, Any]:
        """Check the new password."""
        given = super().clean() or self.cleaned_data
        check_new_password(self, "new", self.user)
        return given


class EmailForm(PasswordConfirmationForm):
    """Another email address, or none."""

    email = EmailField(
        label=_("Email"), help_text=_("Leave it empty for none."), required=False
    )
    password = PasswordField()


class EraseForm(PasswordConfirmationForm):
    """Confirms that the account is to be erased."""

    password = PasswordField()


class ForgottenForm(forms.Form):
    """The address to which a link to a new password is sent."""

    email = EmailField(label=_("Email"))


class ResetForm(forms.Form):
    """A new password for the holder of a valid link."""

    new = PasswordField(_("New password"), is_new=True)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        """Check the new password."""
        given = super().clean() or self.cleaned_data
        check_new_password(self, "new", self.user)
        return given


class InviteForm(forms.Form):
    """A note about the invited person, and the days until the invitation expires."""

    note = forms.CharField(
        label=_("Note (optional)"),
        help_text=_("Who it is for; visible only to site admins."),
        max_length=200,
        required=False,
    )
    days = forms.IntegerField(
        label=_("Valid for (days)"),
        min_value=1,
        max_value=invitations.VALID_DAYS_MAX,
        initial=invitations.VALID_DAYS,
    )
