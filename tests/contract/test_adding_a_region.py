"""The page docs/adding-a-region.md is executed: its data files join a copy of the library, are drawn and measured."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deltaroi.atlas.files import definition_files
from deltaroi.atlas.library import read_library
from deltaroi.errors import DataError

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "adding-a-region.md").read_text()
FILES = dict(re.findall(r"<!-- example: data file (\S+) -->\n```yaml\n(.*?)```", PAGE, flags=re.DOTALL))

DRAW = """
import numpy as np
from deltaroi import atlas
for words in {rois!r}:
    for side in "LRB":
        native = atlas.native_weights(atlas.find(words[0], side, words[1], words[2]))
        print(*words[:2], side, round(float(native.weights.sum() * abs(np.linalg.det(native.affine[:3, :3]))), 1))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the page's files in it: the package, its data, and the file that says whose checkout it is."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(CHECKOUT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("atlases", "configs"):
        shutil.copytree(CHECKOUT / folder, root / folder)
    shutil.copy(CHECKOUT / "pyproject.toml", root)
    for name, text in FILES.items():
        (root / "atlases" / name).write_text(text)
    return root


def draw(root: Path, rois: list[tuple[str, str, str]]) -> dict[tuple[str, str, str], float]:
    done = subprocess.run([sys.executable, "-c", DRAW.format(rois=rois)], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(root / "src")})
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    return {(region, definition, side): float(volume) for region, definition, side, volume in rows}


def test_the_page_shows_an_addition_a_combination_and_a_definition() -> None:
    kinds = {name: yaml.safe_load(text)["kind"] for name, text in FILES.items()}
    assert kinds == {"hcpex_RSC.yaml": "addition", "cit168_midbrain.yaml": "addition", "midbrainsphere.yaml": "spheres"}
    assert not [name for name in FILES if (CHECKOUT / "atlases" / name).exists()]


def test_the_new_regions_are_drawn_and_have_the_volumes_of_the_page(copy: Path) -> None:
    space = "MNI152NLin2009cAsym"
    found = draw(copy, [("RSC", "hcpex", space), ("PBP", "cit168", space), ("midbrain", "midbrainsphere", space)])
    for name, region, definition in (("hcpex_RSC.yaml", "RSC", "hcpex"), ("cit168_midbrain.yaml", "PBP", "cit168")):
        expected = yaml.safe_load(FILES[name])["regions"][region]["volume_mm3"]
        assert {side: found[region, definition, side] for side in "LRB"} == expected
    assert found["midbrain", "midbrainsphere", "L"] == pytest.approx(4 / 3 * 3.14159 * 4**3, rel=5e-3)


def test_the_tests_that_the_page_names_pass(copy: Path) -> None:
    """In the checkout that holds the new files; those of the library's names and pictures too."""
    shutil.copytree(CHECKOUT / "tests", copy / "tests", ignore=shutil.ignore_patterns("__pycache__", "golden"))
    files = ("tests/unit/atlas/test_atlas_files.py", "tests/unit/pipeline/test_library.py")
    done = subprocess.run([sys.executable, "-m", "pytest", *files], cwd=copy, capture_output=True, text=True,
                          check=False, env={**os.environ, "PYTHONPATH": str(copy / "src")})
    assert done.returncode == 0, done.stdout[-2000:]


def test_what_stood_before_is_untouched(copy: Path) -> None:
    def read(root: Path) -> dict[tuple[str, str], dict[str, Any]]:
        paths = sorted(path for path in (root / "atlases").glob("*.yaml") if path.name != "spaces.yaml")
        return {(d.name, d.space): dict(d.regions) for d in read_library(tuple(paths))}

    before, after = read(CHECKOUT), read(copy)
    assert set(after) - set(before) == {("midbrainsphere", "MNI152")}
    new = {(key, region) for key in before for region in set(after[key]) - set(before[key])}
    space = "MNI152NLin2009cAsym"
    assert new == {(("hcpex", space), "RSC"), (("cit168", space), "PBP")}
    for key, regions in before.items():
        assert {name: after[key][name] for name in regions} == regions


@pytest.mark.parametrize(("text", "message"), [
    ("kind: addition\nto: hcpx\nregions: {X: {title: x, ids: {L: [1], R: [2]}, rule: majority}}", "there are 0"),
    ("kind: addition\nto: cit168\nregions: {X: {title: x, ids: {L: [1], R: [2]}, rule: majority}}", "there are 2"),
    ("kind: addition\nto: hcpex\nregions: {VTA: {title: x, ids: {L: [1], R: [2]}, rule: majority}}", "already"),
    ("kind: addition\nto: hcpex\nregions: {X: {title: x, volumes: {L: [1], R: [2]}, rule: majority}}", "does not fit"),
    ("kind: addition\nto: hcpex\nregions: {X: {title: x, ids: {L: [1], R: [1]}, rule: majority}}", "listed twice"),
    ("kind: spheres\nname: other\ntitle: x", "not a definition"),
])
def test_a_wrong_data_file_is_refused_and_the_page_is_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_library((*definition_files(), path))
    assert caught.value.where == str(path)
    assert caught.value.hint
