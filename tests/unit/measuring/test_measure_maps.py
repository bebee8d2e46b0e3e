"""Maps of every kind become one table; what cannot be used is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from deltaroi.errors import SpaceError, UsageError
from deltaroi.io.tsv import read_table
from deltaroi.measuring import MeasureOptions, measure
from deltaroi.tables import EXCLUSIONS, REGIONS, RESPONSES

SHAPE = (10, 9, 8)
AFFINE = np.array([[5.0, 0, 0, -25], [0, 5, 0, -20], [0, 0, 5, -20], [0, 0, 0, 1]])
SPHERE = "-10,0,0,5.5"  # 7 voxels: its centre voxel (3, 4, 4) and the six beside it, 5 mm away
STAR = [(3, 4, 4), (2, 4, 4), (4, 4, 4), (3, 3, 4), (3, 5, 4), (3, 4, 3), (3, 4, 5)]


def values(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(SHAPE) + 2


def star_mean(data: np.ndarray) -> float:
    return float(np.mean([data[ijk] for ijk in STAR]))


def nifti(data: np.ndarray, code: int = 4, affine: np.ndarray = AFFINE) -> nib.Nifti1Image:
    image = nib.Nifti1Image(data, affine)
    image.set_sform(affine, code)
    image.set_qform(affine, 0)
    return image


def table(folder: Path, rows: list[tuple[str, ...]], header: str = "subject session contrast path") -> Path:
    path = folder / "MAPS.tsv"
    path.write_text("\n".join(["\t".join(header.split()), *["\t".join(row) for row in rows]]) + "\n")
    return path


def analyze(folder: Path, stem: str, data: np.ndarray, origin: bool = True, upper: bool = False) -> None:
    """An SPM2 pair whose origin makes SPM's convention give ``AFFINE`` with x mirrored."""
    image = nib.Spm2AnalyzeImage(data[::-1].astype(np.float32)[..., None], None)
    image.header.set_zooms((5, 5, 5, 1))
    if origin:
        image.header["origin"][:3] = [SHAPE[0] - 5, 5, 5]  # the voxel at 0 mm, counted from 1
    nib.save(image, folder / f"{stem}.img")
    (folder / f"{stem}.mat").unlink(missing_ok=True)
    if upper:
        for kind in ("img", "hdr"):
            (folder / f"{stem}.{kind}").rename(folder / f"{stem}.{kind}".upper())


def kinds(folder: Path) -> dict[str, np.ndarray]:
    """The same kind of map in every packing: file name -> data."""
    data = {name: values(number) for number, name in enumerate(
        ["a.nii", "b.nii.gz", "c.nii.gz", "d.img", "e.hdr", "F.IMG", "G.HDR", "h.img", "i.mgz", "j.nii,2", "k.nii"])}
    nib.save(nifti(data["a.nii"]), folder / "a.nii")
    nib.save(nifti(data["b.nii.gz"][..., None]), folder / "b.nii.gz")
    nib.save(nifti(data["c.nii.gz"][..., None, None]), folder / "c.nii.gz")
    for name in ("d.img", "e.hdr", "F.IMG", "G.HDR"):
        stem, kind = name.split(".")
        analyze(folder, stem, data[name], upper=kind.isupper())
    pair = nib.Nifti1Pair(data["h.img"], AFFINE)
    pair.set_sform(AFFINE, 2)
    nib.save(pair, folder / "h.img")
    nib.save(nib.MGHImage(data["i.mgz"].astype(np.float32), AFFINE), folder / "i.mgz")
    nib.save(nifti(np.stack([values(99), data["j.nii,2"]], axis=-1)), folder / "j.nii")
    nib.save(nib.Nifti2Image(data["k.nii"], AFFINE), folder / "k.nii")
    return data


def test_every_packing_gives_the_same_numbers(tmp_path: Path) -> None:
    data = kinds(tmp_path)
    rows = [(f"sub-{number:02d}", "ses-pre", "faces", name) for number, name in enumerate(data)]
    result = measure(table(tmp_path, rows), MeasureOptions(sphere=SPHERE))
    assert result.exclusions.empty, result.exclusions.to_dict("records")
    assert result.responses["subject"].tolist() == [f"{number:02d}" for number in range(len(data))]
    assert set(result.responses["session"]) == {"pre"}
    # Analyze has no right and left of its own: by SPM's convention x is mirrored on disk
    np.testing.assert_allclose(result.responses["value"], [star_mean(d) for d in data.values()], rtol=1e-6)
    assert "cannot be verified: 4 maps are Analyze" in " ".join(result.warnings)
    assert len(result.regions) == result.regions["grid_digest"].nunique()


def test_missing_and_broken_maps_are_lost_alone(tmp_path: Path) -> None:
    good = values()
    nib.save(nifti(good), tmp_path / "good.nii.gz")
    nib.save(nifti(np.stack([good, good], axis=-1)), tmp_path / "two.nii.gz")
    nib.save(nifti(good, code=0), tmp_path / "lost.nii.gz")
    packed = (tmp_path / "good.nii.gz").read_bytes()
    (tmp_path / "cut.nii.gz").write_bytes(packed[:len(packed) // 2])
    (tmp_path / "text.nii.gz").write_text("not an image")
    (tmp_path / "pointer.nii.gz").write_text("/annex/objects/MD5E-s1--x.nii.gz\n")
    analyze(tmp_path, "half", good)
    (tmp_path / "half.hdr").unlink()
    analyze(tmp_path, "short", good)
    (tmp_path / "short.img").write_bytes((tmp_path / "short.img").read_bytes()[:100])
    analyze(tmp_path, "nowhere", good, origin=False)
    np.savez(tmp_path / "array.npz", good)
    names = {"good.nii.gz": "", "two.nii.gz": "2 volumes", "two.nii.gz,3": "no volume 3", "lost.nii.gz": "space",
             "cut.nii.gz": "truncated", "text.nii.gz": "not NIfTI", "pointer.nii.gz": "content not fetched",
             "half.img": "half.hdr, which belongs to it: no such file",
             "short.img": "cannot be read", "nowhere.hdr": "origin",
             "array.npz": "not a volume image", "none.nii.gz": "no such file"}
    rows = [(str(number), "n/a", "faces", name) for number, name in enumerate(names)]
    result = measure(table(tmp_path, rows), MeasureOptions(sphere=SPHERE))
    assert result.responses["subject"].tolist() == ["0"]
    assert result.responses["value"].tolist() == pytest.approx([star_mean(good)])
    reasons = dict(zip(result.exclusions["value"], result.exclusions["reason"], strict=True))
    assert set(reasons) == set(names) - {"good.nii.gz"}
    assert [name for name in reasons if names[name] not in reasons[name]] == []
    failed = {row.value for row in result.left_out if row.failure}
    assert failed == set(names) - {"good.nii.gz", "lost.nii.gz", "nowhere.hdr"}
    assert result.exit_code == 5


def test_zero_and_nan_are_outside_and_never_averaged(tmp_path: Path) -> None:
    for number, outside in enumerate([0.0, np.nan]):
        data = values(number)
        data[STAR[1]] = data[STAR[2]] = outside
        nib.save(nifti(data), tmp_path / f"{number}.nii.gz")
    rows = [("1", "a", "c", "0.nii.gz"), ("2", "a", "c", "1.nii.gz")]
    result = measure(table(tmp_path, rows), MeasureOptions(sphere=SPHERE))
    for number, row in enumerate(result.responses.itertuples()):
        data = values(number)
        assert row.value == pytest.approx(np.mean([data[STAR[k]] for k in (0, 3, 4, 5, 6)]))
        assert (row.n_voxels, row.n_voxels_used, row.coverage) == (7, 5, pytest.approx(5 / 7))
    assert "2 ROI voxels in 1 maps are exactly 0" in " ".join(result.warnings)


def test_a_subject_has_one_set_of_voxels(tmp_path: Path) -> None:
    """Two maps of one subject lack different voxels; only what both have is averaged."""
    pre, post = values(1), values(2)
    pre[STAR[1]] = np.nan
    post[STAR[2]] = 0
    nib.save(nifti(pre), tmp_path / "pre.nii")
    nib.save(nifti(post), tmp_path / "post.nii")
    rows = [("1", "pre", "c", "pre.nii"), ("1", "post", "c", "post.nii")]
    result = measure(table(tmp_path, rows), MeasureOptions(sphere=SPHERE)).responses.set_index("session")
    shared = [STAR[k] for k in (0, 3, 4, 5, 6)]
    assert result.loc["pre", "value"] == pytest.approx(np.mean([pre[ijk] for ijk in shared]))
    assert result.loc["post", "value"] == pytest.approx(np.mean([post[ijk] for ijk in shared]))


def test_coverage_first_of_each_map_then_of_their_intersection(tmp_path: Path) -> None:
    maps = [values(1), values(2), values(3)]
    for ijk in STAR[:5]:
        maps[0][ijk] = np.nan          # 2 of 7: drops out alone, and does not shrink the others
    for ijk in STAR[4:]:
        maps[1][ijk] = np.nan          # 4 of 7
    for number, data in enumerate(maps):
        nib.save(nifti(data), tmp_path / f"{number}.nii")
    rows = [("1", f"s{number}", "c", f"{number}.nii") for number in range(3)]
    result = measure(table(tmp_path, rows), MeasureOptions(sphere=SPHERE))
    assert result.responses["value"].notna().tolist() == [False, True, True]
    assert result.responses["n_voxels_used"].tolist() == [2, 4, 4]
    assert result.exclusions[["session", "reason", "value", "threshold"]].to_numpy().tolist() == [
        ["s0", "coverage of the ROI too low", "0.2857", "0.5"]]
    strict = measure(tmp_path / "MAPS.tsv", MeasureOptions(sphere=SPHERE, minimum_coverage=0.25))
    assert strict.responses["value"].isna().all()  # the three share no voxel
    assert strict.exit_code == 4
    assert set(strict.exclusions["reason"]) == {
        "coverage of the ROI too low in the voxels that all maps of the subject share"}


def test_maps_on_different_grids(tmp_path: Path) -> None:
    """Every grid gets its own drawing; a sphere finds its voxels wherever the origin is, and with x reversed."""
    data = values()
    shifted = np.roll(data, 1, axis=1)
    moved = AFFINE.copy()
    moved[1, 3] -= 5
    flipped = AFFINE @ np.diag([-1.0, 1, 1, 1])
    flipped[0, 3] = AFFINE[0, 3] + 5 * (SHAPE[0] - 1)
    nib.save(nifti(data), tmp_path / "0.nii")
    nib.save(nifti(shifted, affine=moved), tmp_path / "1.nii")
    nib.save(nifti(data[::-1], affine=flipped), tmp_path / "2.nii")
    rows = [("1", "a", "c", "0.nii"), ("1", "b", "c", "1.nii"), ("2", "a", "c", "2.nii")]
    result = measure(table(tmp_path, rows), MeasureOptions(sphere=SPHERE))
    np.testing.assert_allclose(result.responses["value"], star_mean(data), rtol=1e-12)
    assert len(result.regions) == 3
    assert "subject 1: the maps have 2 grids" in " ".join(result.warnings)


def test_a_variance_map_says_where_the_map_ends(tmp_path: Path) -> None:
    effect, spread = values(), np.ones(SHAPE)
    effect[STAR[1]] = 0.0
    spread[STAR[2]], spread[STAR[3]] = 0.0, np.nan
    nib.save(nifti(effect), tmp_path / "e.nii")
    nib.save(nifti(spread), tmp_path / "v.nii")
    nib.save(nifti(np.ones((4, 4, 4))), tmp_path / "other.nii")
    rows = [("1", "a", "c", "e.nii", "v.nii"), ("2", "a", "c", "e.nii", "n/a"), ("3", "a", "c", "e.nii", "other.nii")]
    maps = table(tmp_path, rows, "subject session contrast path variance_path")
    result = measure(maps, MeasureOptions(sphere=SPHERE))
    first, second = result.responses["value"]
    assert first == pytest.approx(np.mean([effect[STAR[k]] for k in (0, 1, 4, 5, 6)]))  # a true 0 counts
    assert second == pytest.approx(np.mean([effect[STAR[k]] for k in (0, 2, 3, 4, 5, 6)]))
    assert result.responses["variance"].isna().all()
    assert result.exclusions["reason"].tolist() == ["the variance map has another grid than the map"]
    assert "correlated" in " ".join(result.warnings)


@pytest.mark.parametrize("how", ["mean", "median", "weighted_mean"])
def test_summaries(how: str, tmp_path: Path) -> None:
    data = values()
    nib.save(nifti(data), tmp_path / "x.nii")
    options = MeasureOptions(sphere="-10,0,0,9", summary=how)
    result = measure(table(tmp_path, [("1", "a", "c", "x.nii")]), options)
    ijk = np.indices(SHAPE).reshape(3, -1).T
    inside = np.linalg.norm(nib.affines.apply_affine(AFFINE, ijk) - [-10, 0, 0], axis=1) <= 9
    expected = np.median(data.ravel()[inside]) if how == "median" else data.ravel()[inside].mean()
    assert result.responses["value"].tolist() == pytest.approx([expected])
    assert result.responses["summary"].tolist() == [how]


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz", "x.img", "x.mgz"])
def test_every_label_is_an_roi(name: str, tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, dtype=np.int16)
    labels[:5, 2:5, 2:5], labels[5:, 2:5, 2:5], labels[:, 7:, 2:5], labels[0, 0, 0] = 3, 4, 8, 90
    nib.save(nifti(labels), tmp_path / "LABELS.nii.gz")
    (tmp_path / "LABELS.tsv").write_text(
        "index\tname\themisphere\tcolor\n0\tbackground\tn/a\t#000\n3\tamygdala\tL\t#f00\n4\tamygdala\tright\t#0f0\n"
        "8\tBack of it\tn/a\t#00f\n12\tabsent\tn/a\t#fff\n")
    data = values().astype(np.float32)
    image = nib.MGHImage(data, AFFINE) if name.endswith("mgz") else nifti(data)
    nib.save(image if name != "x.img" else nib.Nifti1Pair.from_image(image), tmp_path / name)
    options = MeasureOptions(labels=tmp_path / "LABELS.nii.gz", names=tmp_path / "LABELS.tsv")
    result = measure(table(tmp_path, [("1", "a", "c", name)]), options)
    rows = {(row.region, row.hemisphere): row.value for row in result.responses.itertuples()}
    data = data.astype(np.float64)
    assert rows == {("amygdala", "L"): pytest.approx(data[labels == 3].mean()),
                    ("amygdala", "R"): pytest.approx(data[labels == 4].mean()),
                    ("Back_of_it", "B"): pytest.approx(data[labels == 8].mean())}
    assert result.exclusions[["region", "reason", "value"]].to_numpy().tolist() == [
        ["absent B", "the label image has no such label", "label 12"]]
    text = " ".join(result.warnings)
    assert "'Back of it' is called Back_of_it" in text
    assert "1 labels of LABELS.nii.gz have no name and are not measured: 90" in text
    assert result.exit_code == 0


def test_labels_on_maps_that_do_not_say_where_they_lie(tmp_path: Path) -> None:
    """The same voxels need no coordinates; other grids are refused."""
    nib.save(nifti((values() > 2).astype(np.int16), code=0), tmp_path / "l.nii")
    (tmp_path / "l.tsv").write_text("index\tname\n1\thigh\n")
    nib.save(nifti(values(), code=0), tmp_path / "x.nii")
    nib.save(nifti(values()[:-1]), tmp_path / "y.nii")
    options = MeasureOptions(labels=tmp_path / "l.nii", names=tmp_path / "l.tsv")
    result = measure(table(tmp_path, [("1", "a", "c", "x.nii")]), options)
    assert result.responses["value"].tolist() == pytest.approx([values()[values() > 2].mean()])
    with pytest.raises(SpaceError, match="grids differ"):
        measure(table(tmp_path, [("1", "a", "c", "y.nii")]), options)


def test_library_regions_need_a_stated_space(tmp_path: Path) -> None:
    nib.save(nifti(values()), tmp_path / "x.nii")
    maps = table(tmp_path, [("1", "a", "c", "x.nii")])
    with pytest.raises(SpaceError, match="not stated"):
        measure(maps, MeasureOptions(regions=("amygdala",)))


def test_a_small_roi_is_weighted_by_fill_and_warned_about(tmp_path: Path) -> None:
    data = values()
    nib.save(nifti(data), tmp_path / "x.nii")
    result = measure(table(tmp_path, [("1", "a", "c", "x.nii")]), MeasureOptions(sphere="-10,0,0,3"))
    assert result.responses["summary"].tolist() == ["weighted_mean"]
    row = result.responses.iloc[0]
    assert row["n_voxels"] == 7
    assert row["n_voxels_effective"] == pytest.approx(4 / 3 * np.pi * 3**3 / 5**3, rel=1e-3)
    assert "sphere-L_custom: only 0.9 effective voxels" in result.warnings
    centre, beside = data[STAR[0]], np.mean([data[ijk] for ijk in STAR[1:]])
    assert min(centre, beside) < row["value"] < max(centre, beside)


def test_written_tables_are_read_back(tmp_path: Path) -> None:
    nib.save(nifti(values()), tmp_path / "x.nii")
    rows = [("1", "a", "c", "x.nii", "g1"), ("2", "a", "c", "no.nii", "g2")]
    result = measure(table(tmp_path, rows, "subject session contrast path group"), MeasureOptions(sphere=SPHERE))
    result.write(tmp_path / "out")
    pd.testing.assert_frame_equal(read_table(tmp_path / "out" / "responses.tsv", RESPONSES), result.responses)
    assert read_table(tmp_path / "out" / "exclusions.tsv", EXCLUSIONS)["value"].tolist() == ["no.nii"]
    assert len(read_table(tmp_path / "out" / "regions.tsv", REGIONS)) == 1
    assert result.responses["group"].tolist() == ["g1"]
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    shuffled = table(tmp_path, rows[::-1], "subject session contrast path group")
    measure(shuffled, MeasureOptions(sphere=SPHERE)).write(tmp_path / "out2")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out2").iterdir()} == first
    assert str(tmp_path) not in b"".join(first.values()).decode()


def test_a_data_frame_will_do(tmp_path: Path) -> None:
    (tmp_path / "x.nii.gz").write_bytes(gzip.compress(nifti(values()).to_bytes()))
    frame = pd.DataFrame({"subject": [1], "session": [None], "contrast": ["c"], "path": [tmp_path / "x.nii.gz"]})
    result = measure(frame, MeasureOptions(sphere=SPHERE))
    assert result.responses[["subject", "session"]].to_numpy().tolist() == [["1", "n/a"]]


@pytest.mark.parametrize(("options", "message"), [
    (MeasureOptions(), "no region is named"),
    (MeasureOptions(sphere=SPHERE, summary="eigenvariate"), "needs a time series"),
    (MeasureOptions(sphere=SPHERE, summary="mode"), "unknown summary"),
    (MeasureOptions(sphere="1,2,3"), "cannot read the sphere"),
    (MeasureOptions(sphere="1,2,3,-4"), "cannot draw the sphere"),
    (MeasureOptions(sphere="1,2,nan,4"), "cannot draw the sphere"),
    (MeasureOptions(sphere=SPHERE, minimum_coverage=2), "minimum coverage is 2"),
    (MeasureOptions(regions=("VTA",), hemispheres=("left",)), "unknown hemispheres"),
    (MeasureOptions(labels=Path("x.nii")), "go together"),
])
def test_options_that_do_not_fit(options: MeasureOptions, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        measure(table(tmp_path, [("1", "a", "c", "x.nii")]), options)


def test_a_map_without_an_origin_is_lost_alone_and_no_folder_shows(tmp_path: Path) -> None:
    nib.save(nifti(values(1)), tmp_path / "good.nii")
    nib.save(nifti(values(2), affine=np.eye(4)), tmp_path / "voxels.nii")
    (tmp_path / "bad.mgz").write_bytes(bytes(3000))
    rows = [("01", "pre", "c", "good.nii"), ("01", "post", "c", str(tmp_path / "voxels.nii")),
            ("02", "pre", "c", str(tmp_path / "bad.mgz")), ("02", "post", "c", "~nobody_of_that_name/m.nii")]
    result = measure(table(tmp_path, rows), MeasureOptions(sphere=SPHERE, space="MNI152NLin2009cAsym"))
    assert result.responses["value"].tolist() == pytest.approx([star_mean(values(1))])
    reasons = dict(zip(result.exclusions["value"], result.exclusions["reason"], strict=True))
    assert "the header of the map has no origin" in reasons["voxels.nii"]
    assert "not a volume image that can be read" in reasons["bad.mgz"]
    assert "no such file" in reasons["m.nii"]
    assert str(tmp_path) not in result.exclusions.to_csv() + str(result.warnings)
