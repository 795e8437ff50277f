"""Charts of the last day as coordinates for SVG. Styles colour them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from chat.services.operation.history import STEP, HistoryStep
from chat.wording.replies import exact_duration

#: In the coordinates of ``operator/_chart.html``, which are 400 by 168.
LEFT, RIGHT, TOP, BOTTOM = 52, 392, 12, 140
#: Lines across the chart, besides that of zero.
GRID_LINES = 2
TICK = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, or a part of one."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place on one of the axes."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: bars from zero, or lines, over the steps of a day."""

    title: str
    #: What the chart shows, in a sentence for those who cannot see it.
    summary: str
    legend: tuple[tuple[str, str], ...]
    grid: tuple[Label, ...]
    times: tuple[Label, ...]
    bars: tuple[Bar, ...] = ()
    #: The kinds and paths of lines.
    lines: tuple[tuple[str, str], ...] = ()
    is_empty: bool = False


def day_charts(steps: Sequence[HistoryStep]) -> list[Chart]:
    """The charts of the operator page."""
    return [_waits(steps), _speed(steps), _outcomes(steps), _people(steps)]


def _waits(steps: Sequence[HistoryStep]) -> Chart:
    series = {
        "high": [step.long_wait for step in steps],
        "main": [step.median_wait for step in steps],
    }
    top = _top_seconds([value for values in series.values() for value in values])
    return Chart(
        title=_("Wait in line"),
        summary=_(
            "At most %(most)s for 19 of 20 replies; half waited at most %(half)s."
        )
        % {
            "most": exact_duration(_most(series["high"])),
            "half": exact_duration(_most(series["main"])),
        },
        legend=(("main", _("half of the replies")), ("high", _("19 of 20 replies"))),
        grid=_grid(top, exact_duration),
        times=_times(steps),
        lines=tuple((kind, _path(values, top)) for kind, values in series.items()),
        is_empty=not any(step.waits for step in steps),
    )


def _speed(steps: Sequence[HistoryStep]) -> Chart:
    values = [step.tokens_per_second for step in steps]
    return _one_series(
        steps,
        values,
        title=_("Tokens per second"),
        summary=_("At most %(most)s tokens per second, read and written."),
    )


def _people(steps: Sequence[HistoryStep]) -> Chart:
    values = [float(step.people) for step in steps]
    return _one_series(
        steps,
        values,
        title=_("People answered per minute"),
        summary=_("At most %(most)s people got a reply within one minute."),
    )


def _one_series(
    steps: Sequence[HistoryStep],
    values: Sequence[float],
    *,
    title: str,
    summary: str,
) -> Chart:
    top = _top(values)
    return Chart(
        title=title,
        summary=summary % {"most": _number(max(values))},
        legend=(),
        grid=_grid(top, _number),
        times=_times(steps),
        bars=_stacked([[("main", value)] for value in values], top),
        is_empty=not any(values),
    )


def _outcomes(steps: Sequence[HistoryStep]) -> Chart:
    parts = [
        [("main", step.done), ("muted", step.stopped), ("bad", step.failed)]
        for step in steps
    ]
    top = _top(sum(count for _kind, count in part) for part in parts)
    sums = {kind: sum(dict(part)[kind] for part in parts) for kind, _n in parts[0]}
    return Chart(
        title=_("Replies"),
        summary=_("%(done)s done, %(stopped)s stopped, %(failed)s failed.")
        % {
            "done": _number(sums["main"]),
            "stopped": _number(sums["muted"]),
            "failed": _number(sums["bad"]),
        },
        legend=(("main", _("done")), ("muted", _("stopped")), ("bad", _("failed"))),
        grid=_grid(top, _number),
        times=_times(steps),
        bars=_stacked(parts, top),
        is_empty=not any(sums.values()),
    )


def _most(values: Iterable[float | None]) -> float:
    return max((value for value in values if value is not None), default=0.0)


def _top(values: Iterable[float | None]) -> float:
    """A number at or above all values that is round, and so is its half."""
    highest = _most(values)
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(n * power for n in (1, 2, 3, 4, 6, 8, 10) if n * power >= highest)


def _top_seconds(values: Sequence[float | None]) -> float:
    """The same for seconds, where a minute is round."""
    unit = next(unit for unit in (3600, 60, 1) if unit <= max(1.0, _most(values)))
    return unit * _top(value and value / unit for value in values)


def _y(value: float, top: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * value / top, 1)


def _x(step: float, count: int) -> float:
    return round(LEFT + (RIGHT - LEFT) * step / count, 1)


def _grid(top: float, wording: Callable[[float], str]) -> tuple[Label, ...]:
    values = [top * n / GRID_LINES for n in range(GRID_LINES + 1)]
    return tuple(
        Label(_y(value, top), wording(value) if value else "0") for value in values
    )


def _times(steps: Sequence[HistoryStep]) -> tuple[Label, ...]:
    """Full hours of the reader's day, six hours apart."""
    begin, end = steps[0].until - STEP, steps[-1].until
    local = timezone.localtime(begin).replace(minute=0, second=0, microsecond=0)
    tick = local.replace(hour=local.hour // 6 * 6)
    found = []
    while tick <= end:
        if tick >= begin:
            at = _x((tick - begin) / STEP, len(steps))
            found.append(Label(at, _hour(tick)))
        tick += TICK
    return tuple(found)


def _hour(moment: datetime) -> str:
    return str(date_format(timezone.localtime(moment), "TIME_FORMAT"))


def _number(value: float) -> str:
    digits = 1 if 0 < value < 10 and value != int(value) else 0
    return str(number_format(round(value, digits), digits, force_grouping=True))


def _stacked(
    parts: Sequence[Sequence[tuple[str, float]]], top: float
) -> tuple[Bar, ...]:
    bars = []
    width = round((RIGHT - LEFT) / len(parts) - 1.5, 1)
    for n, part in enumerate(parts):
        below = 0.0
        for kind, value in part:
            if value:
                y = _y(below + value, top)
                height = round(_y(below, top) - y, 1)
                bars.append(Bar(_x(n, len(parts)), y, width, height, kind))
            below += value
    return tuple(bars)


def _path(values: Sequence[float | None], top: float) -> str:
    """A line through the middles of the steps, broken where there is no value."""
    path, is_drawing = [], False
    for n, value in enumerate(values):
        if value is None:
            is_drawing = False
            continue
        x, y = _x(n + 0.5, len(values)), _y(value, top)
        # A point alone is a line of no length, whose round ends show.
        path.append(f"L{x} {y}" if is_drawing else f"M{x} {y}h0")
        is_drawing = True
    return "".join(path)
