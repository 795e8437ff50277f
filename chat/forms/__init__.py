"""The forms of the pages."""

from chat.forms.message import MessageForm, new_key
from chat.forms.preferences import PreferencesForm

__all__ = ["MessageForm", "PreferencesForm", "new_key"]
