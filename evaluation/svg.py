"""Plots as inline SVG, without any dependency: bar charts with intervals, and line charts with bands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Bar", "Curve", "bar_chart", "line_chart"]

_COLOURS = ("#2f6690", "#d1603d", "#5b8e55", "#8a6fae")
_BAR = "#9cbcd6"
_LINE, _LABEL_WIDTH, _PLOT_WIDTH = 22, 190, 420


@dataclass(frozen=True)
class Bar:
    """A value 0..100 with its interval, and another value to mark on the same line."""

    label: str
    value: float | None
    """None shows the label and "skipped"."""
    low: float = 0.0
    high: float = 0.0
    mark: float | None = None
    """The paper's score."""


@dataclass(frozen=True)
class Curve:
    """A labeled curve; its points are (x, y, low, high)."""

    label: str
    points: tuple[tuple[float, float, float, float], ...]


def bar_chart(rows: Sequence[Bar]) -> str:
    """Returns horizontal bars on a scale of 0..100, one per line; marks are hollow diamonds."""
    height = _LINE * len(rows) + 28
    parts = [_grid(height)]
    for number, row in enumerate(rows):
        y = _LINE * number + 4
        parts.append(_text(_LABEL_WIDTH - 8, y + 12, row.label, "end"))
        if row.value is None:
            parts.append(_text(_LABEL_WIDTH + 6, y + 12, "skipped", "start"))
        else:
            parts.append(_rectangle(_LABEL_WIDTH, y + 2, row.value * _PLOT_WIDTH / 100, 13, _BAR))
            parts.append(_segment(_x(row.low), y + 8.5, _x(row.high), y + 8.5))
            parts.append(_text(_x(max(row.value, row.high)) + 6, y + 12, f"{row.value:.1f}", "start"))
        if row.mark is not None:
            x, middle = _x(row.mark), y + 8.5
            corners = f"{x - 5:.1f},{middle} {x:.1f},{middle - 5} {x + 5:.1f},{middle} {x:.1f},{middle + 5}"
            parts.append(f'<polygon points="{corners}" fill="none" stroke="#222" stroke-width="1.2"/>')
    return _svg(_LABEL_WIDTH + _PLOT_WIDTH + 60, height, parts)


def line_chart(title: str, lines: Sequence[Curve], top: float, unit: str) -> str:
    """Returns curves with a legend below them.

    Args:
        title: The title, at the top left.
        lines: The curves; the x axis goes from 0 to their greatest x.
        top: The end of the y axis, which starts at 0.
        unit: The y axis's unit, at the top right.
    """
    width, height, left, bottom = 300, 180, 44, 22
    most = max((x for line in lines for x, *_ in line.points), default=1.0) or 1.0

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x / most * (width - left - 12), 20 + (1 - y / top) * (height - 20 - bottom)

    parts = [_text(left, 12, title, "start")]
    for share in (0.0, 0.5, 1.0):
        x, y = at(0, share * top)
        parts += [_segment(x, y, width - 12, y, "#ddd"), _text(x - 5, y + 4, f"{share * top:g}", "end")]
        parts.append(_text(at(share * most, 0)[0], height - 6, f"{share * most:g}", "middle"))
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        band = [at(x, high) for x, _, _, high in line.points] + [at(x, low) for x, _, low, _ in reversed(line.points)]
        parts.append(f'<polygon points="{_svg_points(band)}" fill="{colour}" opacity="0.12"/>')
        middle = [at(x, y) for x, y, *_ in line.points]
        parts.append(f'<polyline points="{_svg_points(middle)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = height + 14 + 16 * number
        parts += [_rectangle(left, y - 8, 10, 8, colour), _text(left + 15, y, line.label, "start")]
    parts.append(_text(width - 12, 12, unit, "end"))
    return _svg(width, height + 20 + 16 * len(lines), parts)


def _svg_points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _x(value: float) -> float:
    return _LABEL_WIDTH + value * _PLOT_WIDTH / 100


def _grid(height: int) -> str:
    def lines() -> Iterator[str]:
        for value in range(0, 101, 20):
            yield _segment(_x(value), 0, _x(value), height - 22, "#ddd")
            yield _text(_x(value), height - 8, str(value), "middle")

    return "".join(lines())


def _rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _segment(x1: float, y1: float, x2: float, y2: float, colour: str = "#222") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    style: Mapping[str, str] = {"font-family": "sans-serif", "font-size": "11px", "fill": "#222"}
    attributes = " ".join(f'{name}="{value}"' for name, value in style.items())
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} {attributes}>{"".join(parts)}</svg>'
