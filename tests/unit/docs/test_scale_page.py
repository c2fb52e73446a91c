"""docs/operations/scale.md shows what was measured."""

from __future__ import annotations

from tests.scale_chart import FOLDER, read_points, render


def test_the_picture_is_drawn_from_the_measured_points() -> None:
    assert render(read_points()) == (FOLDER / "scale.svg").read_text("utf-8"), "python -m tests.scale_chart"


def test_every_measured_point_stands_in_the_page() -> None:
    page = (FOLDER / "scale.md").read_text("utf-8")

    missing = [
        point
        for point in read_points()
        if not any(f"| {point.codes:,} |" in line and f" {point.seconds:g} " in line for line in page.splitlines())
    ]
    assert missing == []
