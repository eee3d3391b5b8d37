"""The page and its plots."""

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from load.parts import Usage
from load.plots import plots
from load.report import page
from load.samples import Sample
from load.summary import summary
from load.svg import Band, Line, Plot, Scale, render
from load.traffic import Extent, Met

EXTENT = Extent(seconds=4, rate=5, listeners=2, edits=0.5)
SVG = "{http://www.w3.org/2000/svg}"


def a_result(name: str = "load", **more: Any) -> dict[str, Any]:
    samples = [
        Sample(0.1, "record", 5.0, "200", 2),
        Sample(2.1, "record", 50.0, "502"),
        Sample(2.5, "apply", 70.0, "200"),
    ]
    heard = {"2": [10.05, 10.1]}
    listeners = {
        "listeners": 2, "openings": {"200": 2}, "resets": 0, "behind": 0, "gaps": [], "heard": heard,
    }  # fmt: skip
    met = Met(10.0, samples, listeners=listeners)
    usage = Usage([0.0, 2.0], {"read-api-1": [100.0, None], "Redis": [5.0, 6.0]}, {"Redis": 1.0})
    machine = {
        "at": "2026-11-21T20:00:00+00:00", "processors": 2, "processor": "some", "memory_gib": 4.0,
        "system": "Linux", "python": "3.13.1", "load_average": 0.1,
    }  # fmt: skip
    return {**summary(name, EXTENT, met, usage, machine=machine, system={"read-api": 2}), **more}


A_FAULT = {
    "part": "read-api-1", "how": "kill", "seconds": 1.0, "calm_seconds": 1.0, "from": 1.0, "to": 2.0,
    "converged": 0.5, "reads": {"count": 2, "p99": 50.0, "max": 50.0},
}  # fmt: skip


def test_page_tells_of_both_runs() -> None:
    text = page([a_result(), a_result("chaos", faults=[A_FAULT])])
    assert "## Load" in text
    assert "## Chaos" in text
    assert "| kill read-api | 1 | 0.5 | 0.5 |" in text
    assert "| record | 2 | 0.5 | 5.0 | 50.0 | 50.0 | 50.0 | 1 (50.000 %) | 200: 1, 502: 1 |" in text


def test_every_picture_of_the_page_is_drawn() -> None:
    results = [a_result(), a_result("chaos", faults=[A_FAULT])]
    drawn = {f"{name}.svg" for result in results for name in plots(result)}
    assert set(re.findall(r"\(([^)]+\.svg)\)", page(results))) == drawn
    assert len(drawn) == 8


def test_broken_promise_stands_at_the_beginning() -> None:
    assert "Every promise was kept" in page([a_result()])
    text = page([a_result(problems=["3 reads failed"])])
    assert "Every promise was kept" not in text
    assert "- BROKEN: 3 reads failed" in text


def test_fault_that_was_never_over_is_told() -> None:
    assert "NEVER" in page([a_result("chaos", faults=[{**A_FAULT, "converged": None}])])


def test_system_that_is_not_ours_has_no_memory_plot() -> None:
    result = a_result()
    result["usage"] = {"at": [], "megabytes": {}, "processor_seconds": {}}
    assert "memory.svg" not in page([result])


@pytest.mark.parametrize("is_logarithmic", [False, True])
def test_plot_is_well_formed_whatever_it_is_called(is_logarithmic: bool) -> None:
    lines = [Line("<a> & b", [(0, 1.0), (1, None), (2, 300.0), (3, 0.0)]), Line("none", [])]
    plot = Plot('"title" <&>', "up & <", lines, [Band(0.5, 1.5, "kill <x>")], is_logarithmic=is_logarithmic)
    root = ET.fromstring(render(plot))  # noqa: S314 - of our own making
    assert [one.text for one in root.iter(f"{SVG}title")] == ["kill <x>"]
    assert len(list(root.iter(f"{SVG}polyline"))) == 2  # the missing point interrupts the line


def test_points_lie_within_the_plot() -> None:
    root = ET.fromstring(render(Plot("t", "u", [Line("a", [(0, 0.0), (50, 7.0)])])))  # noqa: S314
    (line,) = root.iter(f"{SVG}polyline")
    places = [tuple(map(float, place.split(","))) for place in line.attrib["points"].split()]
    assert places[0][0] < places[1][0]
    assert places[0][1] > places[1][1]
    assert all(0 <= x <= 960 and 0 <= y <= 320 for x, y in places)


def test_empty_plot_can_be_drawn() -> None:
    ET.fromstring(render(Plot("t", "u", [], is_logarithmic=True)))  # noqa: S314


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Scale(0, 60, 0, 100), [0, 10, 20, 30, 40, 50, 60]),
        (Scale(0.1, 1000, 0, 100, is_logarithmic=True), [0.1, 1, 10, 100, 1000]),
    ],
)
def test_ticks_are_round(scale: Scale, ticks: list[float]) -> None:
    assert scale.ticks() == pytest.approx(ticks)
