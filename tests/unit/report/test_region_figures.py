"""Pictures of the library: slices, outlines, the contact sheet and the matrices show what they are given."""

from __future__ import annotations

import numpy as np
import pytest

from deltaroi.report.figures.agreement import Agreement, Matrix, agreement, shade
from deltaroi.report.figures.contact_sheet import ContactSheet, contact_sheet, orientation
from deltaroi.report.figures.overlay import (
    Drawing,
    Panel,
    draw_panel,
    fitted,
    outline,
    padded,
    shaped,
    spread_cuts,
    visibility,
)
from deltaroi.report.figures.region_page import RegionPage, region_page
from deltaroi.report.figures.slices import BRAIN, View, Volume, across, best_cut
from deltaroi.report.figures.style import to_file_bytes

NAN = float("nan")


def block(low: tuple[float, float, float], high: tuple[float, float, float], step: float = 2.0) -> Volume:
    """A block of voxels whose centres lie between two corners, mm, cropped."""
    counts = [round((b - a) / step) + 1 for a, b in zip(low, high, strict=True)]
    affine = np.diag([step, step, step, 1.0])
    affine[:3, 3] = low
    return Volume(np.ones(counts), affine)


def pair(z: float = 0.0, other: float | None = None, name: str = "one", colour: str = "#e69f00") -> Drawing:
    """A block on the left and one on the right."""
    right = z if other is None else other
    volumes = padded(block((-30, 0, z), (-20, 10, z + 8))), padded(block((20, 0, right), (30, 10, right + 8)))
    return Drawing(name, volumes, colour, details="L 1 R 1 mm³")


def texts(figure) -> list[str]:
    return [t.get_text() for axes in figure.axes for t in axes.texts] + [t.get_text() for t in figure.texts]


def drawn(panel: Panel):
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.add_axes((0, 0, 1, 1))
    draw_panel(axes, None, panel)
    return axes


def contour_points(axes) -> np.ndarray:
    return np.concatenate([path.vertices for c in axes.collections for path in c.get_paths() if len(path.vertices)])


def test_outlines_lie_where_the_roi_lies() -> None:
    view = View(step=0.5)
    axes = drawn(Panel("z", 4.0, view, (pair(),)))
    points = contour_points(axes)
    left = points[points[:, 0] < 0]
    assert np.allclose((left.min(axis=0), left.max(axis=0)), ((-31, -1), (-19, 11)), atol=0.26)  # voxel edges, in mm
    assert np.allclose(points[points[:, 0] > 0].min(axis=0), (19, -1), atol=0.26)


def test_left_is_left_in_the_image_too() -> None:
    one = Drawing("one", (padded(block((-30, 0, 0), (-20, 10, 8))),), "#ff0000")
    axes = drawn(Panel("z", 4.0, BRAIN, (one,)))
    image = axes.images[0].get_array()
    columns = np.flatnonzero((np.asarray(image) != 255).any(axis=(0, 2)))
    assert columns.max() < image.shape[1] / 2
    assert contour_points(axes)[:, 0].max() < 0
    assert {t.get_text() for t in axes.texts} == {"L", "R", "z = +4"}
    assert {t.get_text() for t in drawn(Panel("x", -24.0, BRAIN, (one,))).texts} == {"P", "A", "x = −24"}


def test_a_slice_beside_the_roi_has_no_outline() -> None:
    assert outline(pair(), "z", 60.0, BRAIN) is None
    assert not drawn(Panel("z", 60.0, BRAIN, (pair(),))).collections


def test_weak_weights_are_outlined_at_half_of_their_largest() -> None:
    weak = Volume(block((-30, 0, 0), (-20, 10, 8)).data * 0.3, block((-30, 0, 0), (-20, 10, 8)).affine)
    shown = outline(Drawing("weak", (padded(weak),), "#ff0000"), "z", 4.0, BRAIN)
    assert shown is not None
    assert shown.max() == pytest.approx(1)


def test_spheres_are_dashed() -> None:
    lines = [drawn(Panel("z", 4.0, BRAIN, (Drawing("a", pair().volumes, "#ff0000", dashed),))).collections[0]
             for dashed in (False, True)]
    assert lines[0].get_linestyle() != lines[1].get_linestyle()


def test_of_two_outlines_that_coincide_both_are_seen() -> None:
    axes = drawn(Panel("z", 4.0, BRAIN, (pair(), pair(name="two", colour="#56b4e9"))))
    first, second = (c.get_linewidth()[0] for c in axes.collections)
    assert first > second


def test_the_fitted_view_holds_everything_on_both_sides() -> None:
    view = fitted([block((20, 0, 0), (30, 10, 8))])
    assert view.box[0][0] == -view.box[0][1]
    assert view.box[0][1] >= 42
    assert view.box[1][0] <= -12 + 0
    assert view.box[1][1] >= 22
    assert fitted([]) == BRAIN
    assert all(BRAIN.box[a][0] <= low and high <= BRAIN.box[a][1]
               for a, (low, high) in enumerate(fitted([block((-74, -108, -64), (74, 76, 84))]).box))


def test_a_view_takes_another_shape() -> None:
    view = shaped(fitted([block((20, 0, 0), (30, 10, 8))]), "z", 1.2)
    first, up = across("z")
    assert view.width(first) / view.width(up) == pytest.approx(1.2)


def test_mosaic_slices_run_through_the_roi() -> None:
    cuts = spread_cuts([block((-30, 0, -10), (-20, 10, 20))], "z", 5)
    assert len(cuts) == 5
    assert list(cuts) == sorted(cuts)
    assert cuts[0] > -10
    assert cuts[-1] < 20
    assert spread_cuts([block((-30, 0, 0), (-20, 10, 2))], "z", 8) == (0, 1, 2)
    assert spread_cuts([], "z", 5) == ()


def test_a_slice_that_grazes_both_sides_is_not_the_best() -> None:
    left, right = pair(0, 10).volumes  # 0 to 8 mm, 10 to 18 mm
    left.data[1, 1, 6] = right.data[1, 1, 0] = 1  # and one voxel each, at 10 mm and at 8 mm
    apart = Drawing("one", (left, right), "#e69f00")
    assert best_cut(apart.volumes, "z") in (4.0, 14.0)
    assert visibility(apart, "y") > 0.9
    assert visibility(apart, "z") < 0.5
    assert orientation([apart])[0] == "y"


def test_a_page_shows_the_slices_the_mosaic_and_each_definition() -> None:
    drawings = pair(), pair(4, name="two", colour="#56b4e9")
    figure = region_page(RegionPage("amygdala", drawings, None, ("small print",)))
    shown = texts(figure)
    for heading in ("amygdala", "Enlarged", "Axial slices, from below upwards", "Each definition by itself",
                    "small print"):
        assert heading in shown
    assert shown.count("one") == shown.count("two") == 2  # legend and panel
    assert sum(text.startswith("x = ") for text in shown) == 2
    assert figure.get_size_inches()[0] == pytest.approx(7.2)


def test_a_large_region_is_not_enlarged_and_one_definition_not_repeated() -> None:
    large = Drawing("one", (block((-60, -60, -40), (60, 60, 60), 4.0),), "#e69f00")
    shown = texts(region_page(RegionPage("cortex", (large,), None)))
    assert "Enlarged" not in shown
    assert "Each definition by itself" not in shown


def test_a_page_of_nothing_is_still_a_page() -> None:
    assert to_file_bytes(region_page(RegionPage("nothing", (), None)), "png", "x", 50).startswith(b"\x89PNG")


def test_panels_of_a_page_do_not_overlap() -> None:
    figure = region_page(RegionPage("a", tuple(pair(2 * i, name=f"d{i}") for i in range(7)), None))
    boxes = [axes.get_position() for axes in figure.axes]
    for i, a in enumerate(boxes):
        assert a.x0 >= 0
        assert a.x1 <= 1
        assert a.y0 >= 0
        assert a.y1 <= 1
        for b in boxes[i + 1:]:
            assert a.x1 <= b.x0 + 1e-9 or b.x1 <= a.x0 + 1e-9 or a.y1 <= b.y0 + 1e-9 or b.y1 <= a.y0 + 1e-9


def test_the_contact_sheet_marks_empty_cells_and_names_shared_columns() -> None:
    sheet = ContactSheet("library", [[("amygdala", "amygdala"), ("AI", "insula")]],
                         [("one", "space"), ("other spheres", "space")],
                         {("amygdala", 0): pair(), ("AI", 1): pair(name="two")}, None, ("cannot be read: three",))
    shown = texts(contact_sheet(sheet))
    assert shown.count("–") == 2
    assert "two" in shown  # inside the shared column
    assert shown.count("one") == 1  # only the heading
    assert "cannot be read: three" in shown


def test_blocks_show_only_their_columns_and_lone_regions_their_definition() -> None:
    sheet = ContactSheet("library", [[("amygdala", "amygdala")], [("AI", "insula"), ("PI", "insula")]],
                         [("one", "space"), ("two", "space"), ("three", "space")],
                         {("amygdala", 0): pair(name="one"), ("AI", 1): pair(name="two"), ("PI", 0): pair(name="one"),
                          ("MI", 2): pair(name="three")}, None, alone=[("MI", "middle insula")])
    figure = contact_sheet(sheet)
    shown = texts(figure)
    assert [shown.count(name) for name in ("one", "two", "three")] == [2, 1, 1]  # three only inside its cell
    assert shown.count("–") == 2  # none in the block of the amygdala
    assert {"Regions of one definition", "MI", "middle insula"} <= set(shown)
    box = figure.bbox.padded(0.5)
    for text in figure.texts:
        ends = text.get_window_extent()
        assert box.x0 <= ends.x0 <= ends.x1 <= box.x1, text.get_text()
        assert box.y0 <= ends.y0 <= ends.y1 <= box.y1, text.get_text()


def test_long_headings_stay_on_the_page() -> None:
    heading = "VTA_SNc: ventral tegmental area, parabrachial pigmented nucleus and substantia nigra, pars compacta"
    page = region_page(RegionPage(heading, (pair(),), None))
    data = Agreement(heading, ("a", "b", "c"), ("#e69f00", "#56b4e9", "#009e73"), (matrix(),), (pair(),), None)
    for figure in (page, agreement(data)):
        (title,) = [t for t in figure.texts if t.get_text().startswith("VTA_SNc")]
        assert title.get_window_extent().x1 <= figure.bbox.x1
        assert " ".join(title.get_text().split()) == heading


def matrix() -> Matrix:
    dice = np.array([[1, 0.37, NAN], [0.37, 1, 0.8], [NAN, 0.8, 1]])
    return Matrix("Left", dice, np.array([[0, 1.2, NAN], [1.2, 0, 3.4], [NAN, 3.4, 0]]), np.array([136, 86, NAN]))


def test_the_matrix_has_dice_above_distance_below_volume_between() -> None:
    data = Agreement("VTA", ("a", "b", "c"), ("#e69f00", "#56b4e9", "#009e73"), (matrix(),), (pair(),), None, ("note",))
    figure = agreement(data)
    axes = figure.axes[-1]
    cells = {(round(t.xy[0] - 0.5), round(t.xy[1] - 0.5)) if hasattr(t, "xy") else
             (round(t.get_position()[0] - 0.5), round(t.get_position()[1] - 0.5)): t.get_text()
             for t in axes.texts if t.get_ha() == "center"}
    assert cells[1, 0] == ".37"  # row 0, column 1
    assert cells[0, 1] == "1.2"
    assert cells[2, 1] == ".80"
    assert cells[0, 0] == "136"
    assert cells[2, 2] == cells[2, 0] == cells[0, 2] == "n/a"
    assert axes.get_ylim() == (3, 0)  # the first row is the upper one


def test_more_agreement_is_darker() -> None:
    assert sum(shade(1.0)) < sum(shade(0.5)) < sum(shade(0.0))
    assert shade(2.0) == shade(1.0)


def test_files_have_no_dates_and_the_same_bytes() -> None:
    for kind in ("png", "svg", "pdf"):
        pages = [to_file_bytes(region_page(RegionPage("a", (pair(),), None)), kind, "a", 50) for _ in range(2)]
        assert pages[0] == pages[1]
        assert b"Matplotlib" not in pages[0].split(b"<svg")[0]
