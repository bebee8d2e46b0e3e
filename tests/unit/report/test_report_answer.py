"""Which effects are claims."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from deltaroi.io.tsv import write_table
from deltaroi.report.answer import headline, kind_of, verdicts
from deltaroi.report.data import Output, read_output
from deltaroi.report.pictures import forests
from deltaroi.tables import EFFECTS

NAN = float("nan")
TERM = "difference between groups"
CASES = [
    # estimate, p, p_fwe, p_holm, p_equivalence -> kind
    (0.3, 0.001, 0.04, 0.2, 0.9, "claim"),
    (0.3, 0.001, 0.051, 0.01, 0.9, "uncorrected"),  # permutation goes before Holm
    (0.3, 0.001, NAN, 0.01, 0.9, "claim"),
    (0.3, 0.001, NAN, NAN, 0.9, "uncorrected"),
    (0.3, 0.001, 0.049, NAN, 0.01, "claim"),
    (0.3, 0.001, 0.05, NAN, 0.01, "uncorrected"),
    (0.01, 0.9, 1.0, 1.0, 0.03, "equivalent"),
    (0.1, 0.3, 1.0, 1.0, 0.4, "open"),
    (0.1, 0.3, 1.0, 1.0, NAN, "open"),
    (NAN, 0.001, 0.02, 0.01, NAN, "claim"),  # an omnibus test has no one estimate
    (NAN, 0.001, 0.06, 0.01, NAN, "uncorrected"),
    (NAN, 0.4, 1.0, 1.0, NAN, "open"),
    (NAN, NAN, NAN, NAN, NAN, "missing"),
]


@pytest.mark.parametrize(("estimate", "p", "p_fwe", "p_holm", "p_equivalence", "kind"), CASES)
def test_kind(estimate: float, p: float, p_fwe: float, p_holm: float, p_equivalence: float, kind: str) -> None:
    row = {"definition": "hcpex", "estimate": estimate, "p": p, "p_fwe": p_fwe, "p_holm": p_holm,
           "p_equivalence": p_equivalence}
    assert kind_of(row) == kind
    assert kind_of({**row, "definition": "circular"}) == ("missing" if kind == "missing" else "circular")


def with_effects(folder: ModuleType, out: Path, **columns: object) -> Output:
    """The one-ROI study with columns of its primary row replaced."""
    shutil.rmtree(out, ignore_errors=True)
    folder.build(out, folder.VARIANTS["one_roi"])
    output = read_output(out)
    frame = output.effects.copy()
    for name, value in columns.items():
        frame[name] = np.where(frame["primary"], value, frame[name]) if isinstance(value, float) else value
    write_table(frame, EFFECTS, output.layout.table("effects"))
    return read_output(out)


@pytest.mark.parametrize(("columns", "text"), [
    ({"p_fwe": 0.01}, "1 of 1 primary effect holds after correction"),
    ({"p_fwe": 0.5}, "None of 1 primary effect holds after correction"),
    ({"p_fwe": NAN, "p_holm": 0.5}, "(Holm,"),
    ({"p_fwe": NAN, "p_holm": NAN}, "1 primary effect was tested, without any correction for the number of tests."),
    ({"estimate": NAN, "p_fwe": 0.01}, "1 of 1 primary effect holds after correction"),
    ({"estimate": NAN, "p": NAN}, "The only primary effect could not be estimated."),
])
def test_headline(columns: dict[str, float], text: str, folder: ModuleType, tmp_path: Path) -> None:
    assert text in headline(with_effects(folder, tmp_path / "out", **columns))


def test_an_omnibus_test_is_drawn_by_its_planned_contrasts(folder: ModuleType, tmp_path: Path) -> None:
    output = with_effects(folder, tmp_path / "out")
    row = output.effects[output.effects["primary"]].iloc[0]
    omnibus = {**row, "comparison": "a,b,c|post-pre", "statistic_kind": "F", "estimate": NAN, "p_fwe": 0.01}
    planned = [{**row, "comparison": f"{name}|post-pre", "primary": False, "p_fwe": 0.01} for name in ("a-c", "b-c")]
    classical = {**planned[0], "se_kind": "classical"}
    write_table(pd.DataFrame([omnibus, *planned, classical]), EFFECTS, output.layout.table("effects"))
    pictures = forests(read_output(output.layout.root))
    assert [picture.caption.split(": ")[1] for picture in pictures] == [
        f"{TERM} ({name}, post-pre), planned contrast beside the omnibus test, with 95 % confidence intervals"
        for name in ("a-c", "b-c")]
    assert not any("not estimable" in picture.svg for picture in pictures)


def test_only_primary_rows_answer(folder: ModuleType, tmp_path: Path) -> None:
    output = with_effects(folder, tmp_path / "out")
    sentences = [sentence for verdict in verdicts(output) for sentence in verdict.sentences]
    assert len(sentences) == int(output.effects["primary"].sum()) == 1


def test_rows_come_in_the_studys_order(folder: ModuleType, tmp_path: Path) -> None:
    output = read_output(folder.build(tmp_path, folder.VARIANTS["usual"]))
    assert list(dict.fromkeys(output.primary["region"])) == list(folder.SEVEN)
    assert [roi.hemisphere for roi in output.rois] == ["L", "R"] * 7
    assert isinstance(output.primary, pd.DataFrame)
