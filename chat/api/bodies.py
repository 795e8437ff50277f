"""What calls of the API take, as the document describes it.

Names and types are checked as they are written here; ranges and lengths that depend on
settings are checked by services and forms.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from chat.models.reply_choices import Rating
from chat.services.conversations import TITLE_MAX_CHARACTERS


def _without_point(value: object) -> object:
    """Turn 1.0 into 1, which JSON does not tell apart."""
    is_whole = isinstance(value, float) and value.is_integer()
    return int(value) if is_whole else value  # type: ignore[call-overload]


#: Behind the range of an integer, which pydantic would not describe otherwise.
WHOLE = BeforeValidator(_without_point)


#: Of a preset with which a conversation begins.
PRESET_RULE = "Id or name of the preset with which a new conversation begins."


class Body(BaseModel):
    """What a call takes. A member that it does not know is refused by its name."""

    model_config = ConfigDict(extra="forbid")


class TextBody(Body):
    """A text."""

    text: str


class VersionBody(TextBody):
    """A text, and when its reply is to be written."""

    when_idle: bool = Field(
        default=False, description="Let all others go first; run when workers are idle."
    )


class NewMessage(VersionBody):
    """A message to send; without ``conversation`` a new one begins."""

    conversation: UUID | None = None
    preset: str = Field(default="", description=PRESET_RULE)
    temporary: bool = Field(
        default=False,
        description="Begin a chat that is in no list and no search, and erased soon.",
    )


class TitleBody(Body):
    """A title."""

    title: str = Field(description=f"At most {TITLE_MAX_CHARACTERS} characters.")


class NewConversation(TitleBody):
    """A conversation to make."""

    preset: str = Field(default="", description=PRESET_RULE)


class VersionsBody(Body):
    """How many other versions of a reply to write at once."""

    model_config = ConfigDict(strict=True)

    count: Annotated[int, Field(ge=1), WHOLE] = 1


class FeedbackBody(Body):
    """A rating of a reply; null withdraws it."""

    rating: Rating | None
    reason: str = ""
