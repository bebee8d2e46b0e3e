"""What the figures show: positions are the numbers given, missing is not drawn, left is left."""

from __future__ import annotations

import re

import numpy as np
import pytest

from deltaroi.report.figures.forest import ForestRow, forest
from deltaroi.report.figures.raincloud import Cloud, mean_interval, raincloud
from deltaroi.report.figures.shrinkage import ShrinkageRow, shrinkage
from deltaroi.report.figures.signal import Spread, spread
from deltaroi.report.figures.slices import (
    BRAIN,
    Layer,
    Volume,
    best_cut,
    centre,
    compose,
    extent,
    is_small,
    plane,
    slices,
    zoomed,
)
from deltaroi.report.figures.style import to_svg

NAN = float("nan")


def texts(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def lines_at(figure, y: float) -> list[np.ndarray]:
    lines = figure.axes[0].lines
    return [np.asarray(line.get_xdata(), dtype=float) for line in lines if set(np.ravel(line.get_ydata())) == {y}]


ROWS = [ForestRow("amygdala", "L", 0.2, 0.05, 0.35, 0.08, True),
        ForestRow("amygdala", "R", -0.1, -0.3, 0.1, 0.08, False),
        ForestRow("VTA", "L", NAN, NAN, NAN, NAN, False)]


def test_forest_draws_each_estimate_and_interval_where_it_is() -> None:
    figure = forest(ROWS, "Difference (%)")
    interval, point = lines_at(figure, 1)  # row 0 is the heading
    assert interval.tolist() == [0.05, 0.35]
    assert point.tolist() == [0.2]
    assert [len(lines_at(figure, y)) for y in (2, 4)] == [2, 0]
    assert figure.axes[0].get_xlabel() == "Difference (%)"


def test_forest_marks_only_what_holds_and_says_what_is_missing() -> None:
    shown = texts(forest(ROWS, "%"))
    assert sum("★" in text for text in shown) == 1
    assert "0.20 [0.05, 0.35] ★" in shown
    assert "not estimable" in shown


def test_forest_shades_the_equivalence_region_of_each_row() -> None:
    collections = forest(ROWS, "%").axes[0].collections
    assert len(collections) == 2
    assert collections[0].get_paths()[0].vertices[:, 0].min() == pytest.approx(-0.08)


@pytest.mark.parametrize("rows", [[], [ForestRow("a", "", NAN, NAN, NAN, NAN, False)],
                                  [ForestRow("a", "", 0.0, 0.0, 0.0, 0.0, False)]])
def test_forest_of_nothing_is_still_a_figure(rows: list[ForestRow]) -> None:
    assert to_svg(forest(rows, "x"), "empty").startswith("<svg")


def cloud(*groups: list[list[float]], sessions: tuple[str, ...] = ("pre", "post")) -> Cloud:
    values = tuple(np.array(group, dtype=np.float64).reshape(len(group), len(sessions)) for group in groups)
    return Cloud("amygdala L", values, tuple(f"g{i}" for i in range(len(groups))), sessions, "%")


def subject_lines(figure) -> list[np.ndarray]:
    return [patch.get_path().vertices for patch in figure.axes[0].patches]


SHRUNK = [ShrinkageRow("All ROIs", (NAN, NAN, NAN), (0.1, 0.0, 0.2), overall=True),
          ShrinkageRow("amygdala L", (0.3, 0.1, 0.5), (0.2, 0.05, 0.35)),
          ShrinkageRow("VTA L", (0.4, -0.4, 1.2), (NAN, NAN, NAN))]


def test_shrinkage_draws_pooled_above_alone_and_the_mean_of_all_through_both() -> None:
    figure = shrinkage(SHRUNK, "Difference (%)")
    at = [[line.tolist() for line in lines_at(figure, y)] for y in (0.0, 1 - 0.16, 1 + 0.16, 2 - 0.16, 2 + 0.16)]
    assert at == [[[0.0, 0.2], [0.1]], [[0.05, 0.35], [0.2]], [[0.1, 0.5], [0.3]], [], [[-0.4, 1.2], [0.4]]]
    dashed = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert [list(line.get_xdata()) for line in dashed] == [[0.1, 0.1]]
    assert figure.axes[0].get_xlim()[1] > 1.2


def test_shrinkage_says_the_pooled_numbers_and_what_is_missing() -> None:
    shown = texts(shrinkage(SHRUNK, "%"))
    assert shown == ["All ROIs", "0.10 [0.00, 0.20]", "amygdala L", "0.20 [0.05, 0.35]", "VTA L", "not estimable"]
    assert len(texts(shrinkage([], "%"))) == 0


def test_raincloud_joins_each_subjects_sessions() -> None:
    figure = raincloud(cloud([[0.1, 0.4], [0.2, NAN], [0.3, 0.5]], [[0.0, 0.1]]))
    first, second = subject_lines(figure)
    assert first[:, 1].tolist() == [0.1, 0.4, 0.3, 0.5]  # the incomplete subject has no line
    assert second[:, 1].tolist() == [0.0, 0.1]
    assert second[0, 0] > first[:, 0].max()
    assert any("g0 (n = 2)" in text for text in texts(figure))


def test_raincloud_skips_a_missing_session_in_the_middle() -> None:
    (vertices,) = subject_lines(raincloud(cloud([[1.0, NAN, 3.0]], sessions=("a", "b", "c"))))
    assert vertices.tolist() == [[0.0, 1.0], [2.0, 3.0]]


def test_raincloud_mean_is_the_mean() -> None:
    figure = raincloud(cloud([[0.1, 0.4], [0.3, 0.8]]))
    means = [line.get_ydata() for line in figure.axes[0].lines if line.get_linewidth() == 2.0]
    assert np.allclose(means[0], [0.2, 0.6])


@pytest.mark.parametrize("groups", [[[[NAN, NAN]]], [[]], [[[1.0, 1.0]] * 6], [[[1.0, 2.0]]]])
def test_raincloud_bears_missing_constant_and_single(groups: list[list[list[float]]]) -> None:
    assert to_svg(raincloud(cloud(*groups)), "x").startswith("<svg")


def test_raincloud_says_when_there_is_nothing() -> None:
    assert "no values" in texts(raincloud(cloud([[NAN, NAN]])))


def test_mean_interval_against_r() -> None:
    # R 4.2.2: t.test(c(0.1, 0.4, 0.2, 0.7))$conf.int -> -0.070998074 0.770998074
    mean, half = mean_interval(np.array([0.1, 0.4, NAN, 0.2, 0.7]))
    assert mean == pytest.approx(0.35)
    assert (mean - half, mean + half) == (pytest.approx(-0.070998074), pytest.approx(0.770998074))


def test_spread_marks_subjects_below_the_threshold() -> None:
    data = Spread("coverage", ("a", "b"), ("pre",), ((np.array([0.3, 0.9, 1.0]),), (np.array([NAN]),)), 0.5, (0, 1))
    figure = spread(data)
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert [line.get_xdata().tolist() for line in crosses] == [[0.3]]
    assert "no values" in texts(figure)


def box(low: tuple[int, int, int], high: tuple[int, int, int], flip: bool = False) -> Volume:
    """A box in mm on a 4 mm grid; ``flip`` stores x from right to left."""
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = (-90, -126, -72)
    world = np.indices((46, 55, 46)).transpose(1, 2, 3, 0) * 4.0 + affine[:3, 3]
    inside = ((world >= low) & (world <= high)).all(axis=3).astype(np.float64)
    if flip:
        affine[0] = (-4.0, 0, 0, -90 + 45 * 4)
        inside = inside[::-1]
    return Volume(inside, affine)


@pytest.mark.parametrize("flip", [False, True])
def test_left_is_left_and_up_is_up(flip: bool) -> None:
    volume = box((-34, -10, 10), (-18, 10, 30), flip)
    image = plane(volume, "y", 0.0, order=0)
    rows, columns = np.nonzero(image)
    x, z = columns + BRAIN.box[0][0], rows + BRAIN.box[2][0]
    assert x.min() in (-36, -35)  # voxel centres -34 .. -18, 4 mm wide; an edge belongs to either voxel
    assert x.max() in (-17, -16)
    assert z.min() >= 8
    assert z.max() <= 32


def test_compose_tints_only_the_roi() -> None:
    image = compose(None, [Layer(box((-34, -10, 10), (-18, 10, 30)), "#ff0000")], "y", 0.0)
    tinted = (image != 255).any(axis=2)
    assert tinted.sum() == (plane(box((-34, -10, 10), (-18, 10, 30)), "y", 0.0, order=0) > 0).sum()
    assert (image[tinted][:, 0] == 255).all()
    assert (image[tinted][:, 1] < 128).all()


def test_a_lighter_voxel_is_paler() -> None:
    full, light = box((-34, -10, 10), (-18, 10, 30)), box((-34, -10, 10), (-18, 10, 30))
    light = Volume(light.data * 0.1, light.affine)
    shades = [compose(None, [Layer(v, "#ff0000")], "y", 0.0)[..., 1].min() for v in (full, light)]
    assert shades[1] > shades[0] + 50


def test_best_cut_goes_through_both() -> None:
    left, right = box((-34, -10, 10), (-18, 2, 30)), box((18, -2, 10), (34, 14, 30))
    at = best_cut([left, right], "y")
    assert all(plane(volume, "y", at, order=0).any() for volume in (left, right))
    assert best_cut([box((999, 0, 0), (1000, 0, 0))], "x") == 0.0


def test_best_cut_of_both_hemispheres_as_one_is_not_the_empty_midline() -> None:
    left, right = box((-34, -10, 10), (-18, 2, 30)), box((18, -10, 10), (34, 2, 30))
    both = Volume(left.data + right.data, left.affine)
    at = best_cut([both], "x")
    assert at < 0
    assert plane(both, "x", at, order=0).any()


def test_centre_and_extent() -> None:
    volume = box((-34, -10, 10), (-18, 10, 30), flip=True)
    assert np.allclose(centre(volume), (-26, 0, 20), atol=2.01)
    assert extent(volume, "x") == (-34.0, -18.0)
    assert np.isnan(extent(box((999, 0, 0), (1000, 0, 0)), "x")).all()


def test_slices_say_where_they_are() -> None:
    figure = slices(None, [], [("x", -24.0), ("z", 0.0)])
    assert [text for text in texts(figure) if "=" in text] == ["x = −24", "z = 0"]


def test_small_rois_are_circled_on_the_brain_and_enlarged_by_themselves() -> None:
    small, large = box((2, -22, -20), (6, -18, -16)), box((-34, -10, 10), (-18, 10, 30))
    assert is_small(small)
    assert not is_small(large)
    layers = [Layer(small, "#ff0000"), Layer(large, "#00ff00")]
    (circle,) = slices(None, layers, [("z", -16.0)]).axes[0].patches
    x, y = circle.center
    assert np.allclose((x + BRAIN.box[0][0], y + BRAIN.box[1][0]), (4, -20), atol=2.01)
    assert len(slices(None, layers, [("z", 60.0)]).axes[0].patches) == 0
    view = zoomed([small])
    seen = plane(small, "z", -16.0, 0, view) > 0
    assert seen.sum() * view.step**2 == pytest.approx((plane(small, "z", -16.0, 0) > 0).sum(), rel=0.2)
    assert seen.mean() > 5 * (plane(small, "z", -16.0, 0) > 0).mean()


def test_svg_is_deterministic_and_shares_no_ids() -> None:
    figure, other = raincloud(cloud([[0.1, 0.4]] * 6)), raincloud(cloud([[0.1, 0.4]] * 6))
    one, again, elsewhere = to_svg(figure, "a"), to_svg(other, "a"), to_svg(other, "b")
    assert one == again
    ids = [set(re.findall(r'id="([^"]+)"', text)) for text in (one, elsewhere)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for text in (one, elsewhere):
        assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text)) <= set(re.findall(r'id="([^"]+)"', text))


def test_text_in_a_figure_is_only_text() -> None:
    data = Cloud("<script>a</script> $\\alpha$", (np.array([[1.0, 2.0]]),), ("a & b",), ("$pre", "post$"), "%")
    text = to_svg(raincloud(data), "x")
    assert "<script" not in text
    assert "&lt;script&gt;a&lt;/script&gt; $\\alpha$" in text
    assert "a &amp; b" in text


def test_figures_leave_matplotlib_as_they_found_it() -> None:
    import matplotlib
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 30.0, "axes.facecolor": "black"}):
        loud = to_svg(forest(ROWS, "x"), "a")
        assert matplotlib.rcParams["font.size"] == 30.0
    assert dict(matplotlib.rcParams) == before
    assert loud == to_svg(forest(ROWS, "x"), "a")  # the user's settings do not reach the report
    assert plt.get_fignums() == []
