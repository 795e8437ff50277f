"""One table of sampling settings: the form, catalogue, worker and details agree."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from chatsite.sampling_settings import (
    CALL_SETTINGS,
    MODEL_SETTINGS,
    SAMPLING_SETTINGS,
    SamplingNumber,
)
from chatsite.wire import SamplingParams

BY_NAME = {setting.name: setting for setting in (*SAMPLING_SETTINGS, *CALL_SETTINGS)}
#: What is no number, or may be none.
OTHERS = {"stop", "logit_bias", "logprobs"}
each_setting = pytest.mark.parametrize("setting", BY_NAME.values(), ids=BY_NAME)


def test_the_table_has_every_number_that_reaches_the_worker() -> None:
    assert BY_NAME.keys() | OTHERS == {field.name for field in fields(SamplingParams)}
    of_people = {setting.name for setting in SAMPLING_SETTINGS}
    assert of_people - {setting.name for setting in MODEL_SETTINGS} == {"seed"}


@each_setting
def test_the_default_is_that_of_a_request(setting: SamplingNumber[Any]) -> None:
    assert getattr(SamplingParams(), setting.name) == setting.default
    assert setting.problem(setting.default) == ""


@each_setting
def test_the_worker_reads_it(setting: SamplingNumber[Any]) -> None:
    sources = Path(settings.BASE_DIR, "worker", "engine").rglob("*.py")
    assert any(f"params.{setting.name}" in path.read_text() for path in sources)


def test_the_form_offers_only_valid_values() -> None:
    for setting in SAMPLING_SETTINGS:
        low, high = setting.offered
        assert setting.minimum <= low < high <= setting.maximum


@each_setting
def test_a_value_beyond_the_range_is_named(setting: SamplingNumber[Any]) -> None:
    for beyond in (setting.minimum - 1, setting.maximum + 1):
        assert setting.problem(beyond).startswith("must be a")


@each_setting
@pytest.mark.parametrize("value", [True, "1", None, [1], float("nan")])
def test_another_type_than_a_number_is_refused(
    setting: SamplingNumber[Any], value: object
) -> None:
    assert setting.problem(value).startswith("must be a")


def test_a_whole_number_has_no_fraction() -> None:
    assert (
        BY_NAME["top_k"].problem(1.0) == "must be a whole number from 0 to 2147483648"
    )
    assert BY_NAME["temperature"].problem(1) == ""
