"""The picture of a specification curve: order, the study's own, the choices below."""

from __future__ import annotations

import math

import numpy as np

from deltaroi.report.figures.specification_curve import Point, specification_curve
from deltaroi.report.figures.style import ALARM, GROUPS, to_svg

AXES = [("noise", ["ar1", "ols"]), ("summary", ["auto", "median"])]
POINTS = [Point(0.3, 0.1, 0.5, True, False, ("ar1", "median")), Point(-0.1, -0.3, 0.1, False, True, ("ar1", "auto")),
          Point(0.1, -0.1, 0.3, False, False, ("ols", "auto")), Point(0.5, 0.2, 0.8, True, False, ("ols", "median"))]


def test_estimates_stand_in_order_and_choices_below_them() -> None:
    upper, lower = specification_curve(POINTS, AXES, "difference (%)").axes
    dots = {line.get_color(): np.column_stack(line.get_data()) for line in upper.lines if line.get_marker() == "o"}
    np.testing.assert_allclose(dots[GROUPS[0]], [[3, 0.3], [4, 0.5]])
    np.testing.assert_allclose(dots["#9aa5b1"], [[1, -0.1], [2, 0.1]])
    (diamond,) = [line for line in upper.lines if line.get_marker() == "D"]
    assert (diamond.get_color(), diamond.get_xdata()[0], diamond.get_ydata()[0]) == (ALARM, 1, -0.1)
    labels = [text.get_text() for text in lower.texts]
    assert labels == ["noise ar1", "noise ols", "summary auto", "summary median"]
    ticks = [sorted(set(np.asarray(line.get_xdata()).tolist())) for line in lower.lines[:4]]
    assert ticks == [[1, 3], [2, 4], [1, 2], [3, 4]]
    assert "4 specifications" in lower.get_xlabel()


def test_z_has_no_intervals_but_a_level() -> None:
    points = [Point(z, math.nan, math.nan, abs(z) > 1.96, i == 0, ("ar1",)) for i, z in enumerate((2.5, 0.3, -1.0))]
    upper, _ = specification_curve(points, [("noise", ["ar1"])], "z").axes
    assert [text.get_text() for text in upper.texts] == ["p = .05"]
    levels = [line.get_ydata()[0] for line in upper.lines if line.get_linestyle() == "--"]
    np.testing.assert_allclose(sorted(levels), [-1.959964, 1.959964], atol=1e-6)


def test_many_specifications_stay_a_small_picture() -> None:
    rng = np.random.default_rng(0)
    points = [Point(z, z - 1, z + 1, z > 1, i == 7, (("ar1", "ols")[i % 2], ("auto", "median")[i // 72]))
              for i, z in enumerate(rng.normal(size=144))]
    drawn = to_svg(specification_curve(points, AXES, "difference (%)"), "x")
    assert len(drawn) < 60_000
