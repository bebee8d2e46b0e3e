"""The maps behind the responses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deltaroi.errors import DataError
from deltaroi.responses import session_maps, summarise
from deltaroi.responses.functional import Localisers
from deltaroi.signal.session_map import load_maps, save_maps
from deltaroi.specs import Functional

Boxes = Any
RUNS = (("1", "pre"), ("2", "pre"), ("1", "post"), ("2", "post"))


def fits(box: Any, unused: Sequence[Sequence[int]] = ((), (), (), ())) -> list[Any]:
    return [box.fit(run, session, seed=i, unused=unused[i]) for i, (run, session) in enumerate(RUNS)]


@pytest.mark.parametrize(("rule", "how"), [("majority", "mean"), ("fill_weight", "weighted_mean")])
def test_the_mean_of_a_map_is_the_response(make_box: Boxes, rule: str, how: str) -> None:
    """Voxel by voxel the same runs, sessions, contrasts, voxels and scale as in responses.tsv."""
    weights = None if rule == "majority" else np.linspace(0.2, 1.0, 60)
    box = make_box(definition="drawn", rule=rule, weights=weights)
    runs = fits(box, ((0, 1), (5,), (), (59,)))
    maps = session_maps(runs, box.sets(), 0.5)
    table = summarise(runs, box.sets(), "auto", 0.5).table.set_index(["session", "contrast"])
    assert set(table["summary"]) == {how}
    assert len(maps) == 4
    for one in maps:
        row = table.loc[(one.session, one.contrast)]
        share = one.weights if how == "weighted_mean" else np.ones(one.flat.size)
        assert share @ one.values / share.sum() == pytest.approx(row["value"], rel=1e-12)
        assert (one.flat.size, one.n_voxels, one.unit) == (row["n_voxels_used"], row["n_voxels"], row["unit"])
        assert one.weights.sum() / one.whole == pytest.approx(row["coverage"], rel=1e-12)
        assert not set(one.flat) & set(box.flat[[0, 1, 5, 59]])


def test_no_response_no_map(make_box: Boxes) -> None:
    box = make_box(definition="drawn")
    runs = [*fits(box)[:2], box.fit("1", "post", serve=(True, False)), box.fit("2", "post", serve=(False, False))]
    maps = session_maps(runs, box.sets(), 0.5)
    table = summarise(runs, box.sets(), "mean", 0.5).table
    assert {(one.session, one.contrast) for one in maps} == {("pre", "loc"), ("pre", "main"), ("post", "loc")}
    assert {(s, c) for s, c, v in table[["session", "contrast", "value"]].itertuples(index=False) if v == v} == {
        (one.session, one.contrast) for one in maps}
    assert session_maps([box.fit(unused=range(40))], box.sets(), 0.5) == ()


def test_runs_of_a_session_on_two_grids_make_no_map(make_box: Boxes) -> None:
    box = make_box(definition="drawn")
    other = replace(box.grid, affine=box.grid.affine + np.eye(4)[:, [3, 0, 1, 2]] * 0.5)
    runs = [box.fit("1"), box.fit("2", grid=other), box.fit("1", "post")]
    assert {one.session for one in session_maps(runs, box.sets(box.grid, other), 0.5)} == {"post"}


def test_voxels_of_a_functional_roi_are_the_chosen_ones(make_box: Boxes) -> None:
    box = make_box()
    spec = Functional(within="x", contrast="loc", strongest=20, select_from="other_sessions")
    runs = fits(box)
    chosen_by = Localisers({"best": spec})
    maps = session_maps(runs, box.sets(), 0.5, chosen_by)
    table = summarise(runs, box.sets(), "mean", 0.5, chosen_by).table.set_index(["session", "contrast"])
    assert len(maps) == 4
    for one in maps:
        assert (one.flat.size, one.whole, one.n_voxels) == (20, 20.0, 60)
        assert one.values.mean() == pytest.approx(table.loc[(one.session, one.contrast), "value"], rel=1e-12)


def test_a_file_holds_them_in_one_order(make_box: Boxes, tmp_path: Path) -> None:
    box = make_box(definition="drawn")
    maps = session_maps(fits(box), box.sets(), 0.5)
    save_maps(tmp_path / "a.npz", maps)
    save_maps(tmp_path / "b.npz", reversed(maps))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    found = {(one.session, one.contrast): one for one in load_maps(tmp_path / "a.npz")}
    for one in maps:
        same = found[one.session, one.contrast]
        assert (same.key, same.grid_digest, same.unit, same.n_voxels, same.whole) == (
            one.key, one.grid_digest, one.unit, one.n_voxels, one.whole)
        for name in ("flat", "weights", "values"):
            np.testing.assert_array_equal(getattr(same, name), getattr(one, name))
    save_maps(tmp_path / "none.npz", ())
    assert load_maps(tmp_path / "none.npz") == ()
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-200])
    with pytest.raises(DataError, match="session maps cannot be read"):
        load_maps(tmp_path / "b.npz")
