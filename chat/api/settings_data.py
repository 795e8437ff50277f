"""What calls for settings take and return, as the document describes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from chat.api.bodies import WHOLE, Body
from chatsite.sampling_settings import (
    MAX_NEW_TOKENS,
    REPETITION_PENALTY,
    SEED,
    STOP_STRING_CHARACTERS_OFFERED,
    STOP_STRINGS_OFFERED,
    TEMPERATURE,
    TOP_K,
    TOP_P,
    SamplingSetting,
)


def _range(setting: SamplingSetting[int] | SamplingSetting[float]) -> object:
    """The values of a sampling setting that a page offers."""
    low, high = setting.offered
    return Field(ge=low, le=high)


StopString = Annotated[
    str,
    Field(
        min_length=1, max_length=STOP_STRING_CHARACTERS_OFFERED, pattern=r"^[^\r\n]+$"
    ),
]


class ChosenSettings(Body):
    """What was chosen here; null, or an empty text or list, for what is inherited."""

    model_config = ConfigDict(strict=True)

    model: str = ""
    instructions: str = ""
    temperature: Annotated[float, _range(TEMPERATURE)] | None = None
    top_p: Annotated[float, _range(TOP_P)] | None = None
    top_k: Annotated[int, _range(TOP_K), WHOLE] | None = None
    repetition_penalty: Annotated[float, _range(REPETITION_PENALTY)] | None = None
    max_new_tokens: Annotated[int, _range(MAX_NEW_TOKENS), WHOLE] | None = None
    seed: Annotated[int, _range(SEED), WHOLE] | None = None
    stop: list[StopString] = Field(default=[], max_length=STOP_STRINGS_OFFERED)


class EffectiveSettingsData(BaseModel):
    """With what the next reply will be written; a null seed is random each time."""

    model: str
    instructions: str
    temperature: float
    top_p: float
    top_k: int
    repetition_penalty: float
    max_new_tokens: int
    seed: int | None
    stop: list[str]


class SettingsData(BaseModel):
    """Settings of an account or guest, or of one conversation."""

    chosen: ChosenSettings
    effective: EffectiveSettingsData
