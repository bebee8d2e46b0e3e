"""The report's effect sizes, Bayes factors and assumptions: cells are the tables' numbers, pictures the residuals."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from scipy import stats

from deltaroi.report.assumed import assumption_table, assumption_words, residual_panels
from deltaroi.report.data import Output, read_output
from deltaroi.report.figures.residuals import ResidualPlot, normal_quantiles, residual_plot
from deltaroi.report.figures.style import to_svg
from deltaroi.report.sizes import bayes_tables, evidence_words, factor_text, size_tables

NAN = float("nan")


@pytest.fixture(scope="module")
def outputs(folder: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Output]:
    root = tmp_path_factory.mktemp("beside")
    return {name: read_output(folder.build(root / name, folder.VARIANTS[name]))
            for name in ("usual", "one_group", "no_effects")}


def test_every_effect_size_is_a_line(outputs: dict[str, Output]) -> None:
    output = outputs["usual"]
    primary, every = size_tables(output)
    frame = output.beside["effect_sizes"]
    assert len(every.rows) == len(frame)
    assert len(primary.rows) == 14 * 3
    assert "Note" not in primary.columns
    assert "model ancova" in primary.note
    row = frame.query("primary and region == 'VTA' and hemisphere == 'L' and method == 'morris'").iloc[0]
    shown = [cells for cells in primary.rows if cells[0] == "VTA L" and "Morris' variance" in cells]
    text = f"{row['value']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]".replace("-", "−")
    assert [text in cells for cells in shown] == [True]


def test_bayes_factors_stand_side_by_side(outputs: dict[str, Output]) -> None:
    output = outputs["usual"]
    asked, rest = bayes_tables(output)
    frame = output.beside["bayes"]
    assert len(asked.rows) == 14
    assert len(asked.rows) + len(rest.rows) == len(frame) / 3
    row = frame.query("model == 'change' and region == 'AI' and hemisphere == 'R'").set_index("prior")["bf10"]
    (shown,) = [cells for cells in asked.rows if cells[0] == "AI R"]
    assert shown[-4:-1] == tuple(factor_text(row[prior]) for prior in ("medium", "wide", "ultrawide"))
    one, nothing = bayes_tables(outputs["one_group"])
    assert len(one.rows) == 14
    assert not nothing.rows


@pytest.mark.parametrize(("factors", "said"), [
    ((4.0, 3.5, 3.0), "for an effect"), ((0.2, 0.3, 1 / 3), "for no effect"), ((1.0, 2.9, 0.5), "neither way"),
    ((3.1, 2.9, 2.0), "depends on the prior"), ((0.5, 0.3, 0.2), "depends on the prior"), ((NAN, 4.0, 4.0), "n/a")])
def test_evidence_is_said_only_where_all_priors_agree(factors: tuple[float, ...], said: str) -> None:
    assert evidence_words(factors) == said


@pytest.mark.parametrize(("factor", "text"), [(NAN, "n/a"), (float("inf"), ">99999"), (0.0001, "<0.001"),
                                              (0.0514, "0.051"), (1.234, "1.23"), (123.4, "123")])
def test_bayes_factors_as_text(factor: float, text: str) -> None:
    assert factor_text(factor) == text


def test_nothing_is_claimed_of_a_circular_roi(outputs: dict[str, Output]) -> None:
    output = outputs["usual"]
    marked = {name: frame.assign(definition="circular") for name, frame in output.beside.items()}
    other = Output(**{**{name: getattr(output, name) for name in output.__dataclass_fields__}, "beside": marked,
                      "effects": output.effects.assign(definition="circular")})
    asked, _ = bayes_tables(other)
    assert {row[-1] for row in asked.rows} == {"circular: none"}


def test_assumptions_in_numbers_and_words(outputs: dict[str, Output]) -> None:
    output = outputs["usual"]
    table, frame = assumption_table(output), output.beside["assumptions"]
    assert len(table.rows) == len(frame) == len(assumption_words(output)) == 14
    assert table.rows[0][0] == "amygdala L"
    row = frame.query("region == 'amygdala' and hemisphere == 'L'").iloc[0]
    cells = dict(zip(table.columns, table.rows[0], strict=True))
    assert cells["Skewness"] == f"{row['skewness']:.2f}".replace("-", "−")
    assert cells["Moves the estimate most"].startswith(f"{row['moves_most']}: ")
    assert assumption_words(output)[0] == ("negative_vs_neutral", row["reading"])


def test_each_roi_has_a_picture_with_its_sentence(outputs: dict[str, Output]) -> None:
    (panel,) = residual_panels(outputs["usual"])
    assert len(panel.pictures) == 14
    assert [one.alt for one in panel.pictures] == [text for _, text in assumption_words(outputs["usual"])]
    assert "amygdala L" in panel.pictures[0].svg
    assert ">training<" in panel.pictures[0].svg
    (alone,) = residual_panels(outputs["one_group"])
    assert ">training<" not in alone.pictures[0].svg


def test_without_tables_nothing_is_shown(outputs: dict[str, Output]) -> None:
    output = outputs["no_effects"]
    assert {"group/effect_sizes.tsv", "group/bayes.tsv", "group/assumptions.tsv", "group/residuals.tsv"} <= \
        set(output.absent)
    assert not residual_panels(output)
    assert not assumption_table(output).rows
    assert [table.rows for table in (*size_tables(output), *bayes_tables(output))] == [()] * 4


def plot(n: int = 12, **changes: object) -> ResidualPlot:
    rng = np.random.default_rng(4)
    values = {"title": "amygdala L", "fitted": rng.normal(size=n), "residuals": rng.normal(size=n),
              "standardised": rng.normal(size=n), "group": np.arange(n) % 2, "groups": ("A", "B"), "unit": "%"}
    return ResidualPlot(**{**values, **changes})


def drawn(axes) -> np.ndarray:
    """The marks of both groups, shape (n, 2)."""
    marks = [line for line in axes.lines if line.get_linestyle() == "None" and line.get_markersize() == 3.0]
    return np.concatenate([np.column_stack([line.get_xdata(), line.get_ydata()]) for line in marks])


def test_points_are_where_the_numbers_are() -> None:
    data = plot()
    left, right = residual_plot(data).axes
    order = np.argsort(data.group, kind="stable")
    assert drawn(left).tolist() == np.column_stack([data.fitted, data.residuals])[order].tolist()
    points = drawn(right)
    points = points[np.argsort(points[:, 1])]
    assert points[:, 1].tolist() == np.sort(data.standardised).tolist()
    assert points[:, 0].tolist() == normal_quantiles(12)[0].tolist()
    assert left.get_ylim()[1] > np.abs(data.residuals).max()


def test_a_missing_residual_is_not_drawn_and_the_marked_subject_is_named() -> None:
    standardised = plot().standardised.copy()
    standardised[3] = NAN
    left, right = residual_plot(plot(standardised=standardised, marked=3, name="0042")).axes
    assert len(drawn(left)) == 12
    assert len(drawn(right)) == 11
    assert [text.get_text() for text in left.texts] == ["0042"]
    assert not right.texts


def test_band_holds_95_percent_of_the_points_of_a_normal_sample() -> None:
    middle, low, high = normal_quantiles(20)
    assert (low < middle).all()
    assert (middle < high).all()
    samples = np.sort(np.random.default_rng(8).normal(size=(4000, 20)), axis=1)
    inside = ((samples >= low) & (samples <= high)).mean(axis=0)
    assert np.abs(inside - 0.95).max() < 0.015
    assert middle[0] == pytest.approx(stats.norm.ppf(0.625 / 20.25))


@pytest.mark.parametrize("data", [
    plot(0), plot(2), plot(fitted=np.zeros(12), residuals=np.zeros(12), standardised=np.full(12, NAN)),
    plot(groups=("",), group=np.zeros(12, dtype=np.int64)), plot(groups=tuple("ABCDEFG"), group=np.arange(12) % 7)])
def test_odd_residuals_are_still_a_figure(data: ResidualPlot) -> None:
    text = to_svg(residual_plot(data), "odd")
    assert text.startswith("<svg")
    assert text == to_svg(residual_plot(data), "odd")
    assert "nan" not in text.lower()


def test_marks_share_one_style_and_text_is_not_turned_by_nothing() -> None:
    text = to_svg(residual_plot(plot()), "style")
    assert "rotate(-0" not in text
    assert text.count("fill: #0072b2; fill-opacity: 0.7") <= 3  # two groups of marks and the legend
