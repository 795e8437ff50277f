from chat.forms.preferences import PreferencesForm
from chat.forms.prompt import PromptForm, new_key

__all__ = ["PreferencesForm", "PromptForm", "new_key"]
