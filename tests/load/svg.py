"""Plots as SVG text: lines over time, and bands where something was made to fail."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape, quoteattr

WIDTH, HEIGHT = 960, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 190, 34, 40
TICKS: Final = 6
COLOURS: Final = (
    "#1f5fa8", "#c0392b", "#2e8b57", "#8e44ad", "#b8770b",
    "#16808a", "#7f5539", "#d1478b", "#556b2f", "#4a4a4a",
)  # fmt: skip
STEPS: Final = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Line:
    """One line; a point without a value interrupts it."""

    name: str
    points: Sequence[tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Band:
    """A time in which something was different; `name` appears as a tool tip."""

    start: float
    end: float
    name: str


@dataclass(frozen=True, slots=True)
class Plot:
    """What is drawn. `is_logarithmic`: the upward axis, for values over several magnitudes."""

    title: str
    up: str
    lines: Sequence[Line]
    bands: Sequence[Band] = field(default_factory=tuple)
    across: str = "seconds"
    is_logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places on the page."""

    low: float
    high: float
    start: float
    end: float
    is_logarithmic: bool = False

    def place(self, value: float) -> float:
        """Return where a value lies; one outside is moved to the edge."""
        low, high, at = (self._bent(one) for one in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.0
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return round values for the marks of an axis."""
        if self.is_logarithmic:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1) if self.low <= 10.0**power <= self.high]
        step = _round_step((self.high - self.low) / TICKS)
        count = int((self.high - self.low) / step + 1e-9)
        return [self.low + step * n for n in range(count + 1)]

    def _bent(self, value: float) -> float:
        return math.log10(max(value, self.low)) if self.is_logarithmic else value


def render(plot: Plot) -> str:
    """Return the SVG document."""
    points = [point for line in plot.lines for point in line.points]
    values = [value for _, value in points if value is not None]
    edges = [*(at for at, _ in points), *(band.end for band in plot.bands)]
    across = Scale(0.0, max([1.0, *edges]), LEFT, WIDTH - RIGHT)
    up = _upward(values, is_logarithmic=plot.is_logarithmic)
    page = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label={quoteattr(plot.title)}'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {page} font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(plot.title)}</text>',
        *(_band(band, across) for band in plot.bands),
        *_axes(across, up, plot),
    ]
    for number, line in enumerate(plot.lines):
        parts += _line(line, COLOURS[number % len(COLOURS)], number, across, up)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _upward(values: Sequence[float], *, is_logarithmic: bool) -> Scale:
    highest = max([*values, 1.0])
    if not is_logarithmic:
        step = _round_step(highest / TICKS)
        return Scale(0.0, step * math.ceil(highest / step), HEIGHT - BOTTOM, TOP)
    above_zero = [value for value in values if value > 0] or [1.0]
    low, high = (10.0 ** math.floor(math.log10(min(above_zero))), 10.0 ** math.ceil(math.log10(highest)))
    return Scale(low, max(high, low * 10), HEIGHT - BOTTOM, TOP, is_logarithmic=True)


def _round_step(step: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(step))
    return next((magnitude * one for one in STEPS if magnitude * one >= step * 0.999), magnitude * 10)


def _band(band: Band, across: Scale) -> str:
    start, end = across.place(band.start), across.place(band.end)
    size = f'width="{max(1.0, end - start):.1f}" height="{HEIGHT - TOP - BOTTOM}"'
    name = f"<title>{escape(band.name)}</title>"
    return f'<rect x="{start:.1f}" y="{TOP}" {size} fill="#e67e22" fill-opacity="0.22">{name}</rect>'


def _axes(across: Scale, up: Scale, plot: Plot) -> Iterable[str]:
    bottom = HEIGHT - BOTTOM
    for value in up.ticks():
        y = up.place(value)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#444444">{_number(value)}</text>'
    for value in across.ticks():
        x = across.place(value)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}" stroke="#444444"/>'
        yield (
            f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle" fill="#444444">{_number(value)}</text>'
        )
    yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}" stroke="#444444"/>'
    yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(plot.across)}</text>'
    yield f'<text x="{LEFT}" y="{HEIGHT - 6}">{escape(plot.up)}</text>'


def _line(line: Line, colour: str, number: int, across: Scale, up: Scale) -> list[str]:
    parts = [
        f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{places}"/>'
        for places in _strokes(line.points, across, up)
    ]
    y = TOP + 6 + number * 17
    x = WIDTH - RIGHT + 12
    parts.append(f'<rect x="{x}" y="{y}" width="14" height="4" fill="{colour}"/>')
    parts.append(f'<text x="{x + 20}" y="{y + 7}" fill="#222222">{escape(line.name)}</text>')
    return parts


def _strokes(points: Iterable[tuple[float, float | None]], across: Scale, up: Scale) -> list[str]:
    strokes: list[list[str]] = [[]]
    for at, value in points:
        if value is None:
            strokes.append([])
        else:
            strokes[-1].append(f"{across.place(at):.1f},{up.place(value):.1f}")
    return [" ".join(stroke) for stroke in strokes if stroke]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"
