"""The library as tables, and its pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deltaroi import atlas
from deltaroi.errors import StudyError, UsageError
from deltaroi.pipeline.library import (
    check_space,
    chosen_definitions,
    definition_order,
    fetch_definition,
    read_regions,
    region_names,
    template_notes,
)
from deltaroi.pipeline.library_catalogue import describe_region, library_table
from deltaroi.pipeline.library_pictures import (
    PictureChoice,
    definition_colours,
    draw_library,
    drawing,
    page_of,
    sheet_of,
)
from deltaroi.types import camel


def test_the_table_has_every_region_of_every_definition() -> None:
    table = library_table()
    expected = {(name, d.name, d.space) for d in atlas.library() for name in d.regions}
    assert set(zip(table["region"], table["definition"], table["space"], strict=True)) == expected
    assert len(table) == len(expected)


def test_the_table_states_volumes() -> None:
    rows = library_table("amygdala").set_index("definition")
    assert rows["volume_L_mm3"]["hcpex"] == 1555
    assert rows["volume_R_mm3"]["hcpex"] == 1614
    assert rows["volume_L_mm3"]["metasphere"] == pytest.approx(4 / 3 * np.pi * 6**3)
    assert rows["volume_B_mm3"]["metasphere"] == pytest.approx(8 / 3 * np.pi * 6**3)
    assert (rows["region"] == "amygdala").all()
    lone = library_table("mOFC", "liu2011sphere").iloc[0]
    assert lone["sides"] == "B"
    assert np.isnan(lone["volume_L_mm3"])


def test_stated_volumes_are_the_measured_ones() -> None:
    for entry in describe_region("VTA"):
        stated = library_table("VTA", entry.source.key.definition)
        row = stated[stated["space"] == entry.source.space].iloc[0]
        for side, volume in entry.volumes.items():
            if not entry.obstacle:
                assert row[f"volume_{side}_mm3"] == pytest.approx(volume, rel=1e-6), (entry.source.key, side)


def test_describing_a_region() -> None:
    (entry,) = describe_region("amygdala", "hcpex")
    assert entry.sides == ("L", "R", "B")
    assert entry.volumes["L"] == 1555
    np.testing.assert_allclose(entry.centres["R"], (22.9, -3.6, -20.1), atol=0.06)
    assert entry.source.sha256
    assert not entry.obstacle


def test_a_space_picks_one_of_several_templates() -> None:
    both = [e.source.space for e in describe_region("NAcc", "cit168")]
    one = [e.source.space for e in describe_region("NAcc", "cit168", "MNI152NLin6Asym")]
    assert sorted(both) == ["MNI152NLin2009cAsym", "MNI152NLin6Asym"]
    assert one == ["MNI152NLin6Asym"]


@pytest.mark.parametrize(("region", "definition", "kind", "says"), [
    ("amygdalla", None, UsageError, "did you mean 'amygdala'"),
    ("xyzzy", None, UsageError, "regions: amygdala"),
    ("amygdala", "hcpx", StudyError, "did you mean 'hcpex'"),
    ("VTA", "liu2011sphere", StudyError, "definitions that have it"),
])
def test_unknown_names(region: str, definition: str | None, kind: type[Exception], says: str) -> None:
    for function in (describe_region, library_table):
        with pytest.raises(kind) as caught:
            function(region, definition)
        assert says in str(caught.value)


def test_unknown_spaces() -> None:
    assert check_space("MNI152NLin6ASym") == "MNI152NLin6Asym"
    with pytest.raises(UsageError, match="unknown template space 'MNI'"):
        check_space("MNI")


def test_what_is_not_downloaded_is_not_fetched() -> None:
    with pytest.raises(UsageError, match="none that nilearn downloads"):
        fetch_definition("hcpex")


def test_images_come_before_spheres() -> None:
    order = definition_order()
    kinds = {d.name: d.kind for d in atlas.library()}
    spheres = [kinds[name] == "spheres" for name in order]
    assert spheres == sorted(spheres)
    assert chosen_definitions("AI", ["metasphere", "hcpex"]) == ("hcpex", "metasphere")


def test_definitions_that_share_a_region_never_share_a_colour() -> None:
    colours = definition_colours()
    for region in region_names():
        names = chosen_definitions(region)
        assert len({colours[name] for name in names}) == len(names), region


def test_files_of_two_regions_never_share_a_name() -> None:
    labels = [camel(name) for name in region_names()]
    assert len(set(labels)) == len(labels)


def test_a_drawing_holds_both_sides_and_its_sizes() -> None:
    (found,) = read_regions({"amygdala": ["hcpex", "aal3", "metasphere"]})
    shown = {name: drawing(found, name) for name in found.definitions}
    assert [d.name for d in shown.values()] == ["aal3 †", "hcpex", "metasphere †"]
    assert shown["hcpex"].details == "L 1,555   R 1,614 mm³"
    assert len(shown["hcpex"].volumes) == 2
    assert [d.dashed for d in shown.values()] == [False, False, True]
    assert "aal3 (Colin27" in template_notes([found])[0]


def test_a_centre_of_its_own_is_drawn_beside_left_and_right() -> None:
    (found,) = read_regions({"pACC": ["metasphere"]}, united=False)
    assert len(drawing(found, "metasphere").volumes) == 2
    (union,) = read_regions({"AI": ["bzdok2012sphere"]}, united=False)
    assert set(union.of("bzdok2012sphere")) == {"L", "R"}


def test_the_page_says_what_stands_behind_the_picture() -> None:
    (found,) = read_regions({"VTA": ["hcpex", "aal3"]})
    page = page_of(found)
    assert page.heading == "VTA: ventral tegmental area"
    assert "MNI152NLin2009aSym, for orientation" in page.caption[0]
    assert any("aal3 (Colin27" in line for line in page.caption)


def test_small_sets_of_spheres_share_a_column() -> None:
    names = ["hcpex", "amft2015sphere", "bzdok2012sphere", "liu2011sphere", "metasphere"]
    wanted = {region: [n for n in chosen_definitions(region) if n in names] for region in ("AI", "pACC", "mOFC")}
    sheet = sheet_of(read_regions(wanted))
    heads = [name for name, _ in sheet.columns]
    assert heads == ["hcpex", "other spheres", "bzdok2012sphere", "metasphere"]
    assert [sheet.cells[region, 1].name for region in ("pACC", "mOFC")] == ["amft2015sphere", "liu2011sphere"]
    assert ("AI", 1) not in sheet.cells  # bzdok2012sphere shares pACC with amft2015sphere


def test_the_sheet_of_many_regions_has_nuclei_beside_cortex_and_lone_regions_for_themselves() -> None:
    names = ["hcpex", "aal3"]
    having = {region: [n for n in chosen_definitions(region) if n in names] for region in region_names()}
    sheet = sheet_of(read_regions({region: here for region, here in having.items() if here}, sides=("L", "R")))
    nuclei, cortex = ([name for name, _ in block] for block in sheet.blocks)
    alone = [name for name, _ in sheet.alone]
    assert {"amygdala", "VTA", "hippocampus"} <= set(nuclei)
    assert {"AI", "dlPFC", "precentral"} <= set(cortex)
    assert {"AI_MI", "MI", "STS", "IPC_wide"} <= set(alone)
    assert set(alone) == {region for region, here in having.items() if len(here) == 1}
    assert sorted([*nuclei, *cortex, *alone]) == sorted(region for region, here in having.items() if here)


def test_pictures_are_written_and_never_change(tmp_path: Path) -> None:
    choice = PictureChoice(("VTA",), ("hcpex", "aal3"), dpi=60)
    result = draw_library(choice, tmp_path)
    assert [path.name for path in result.files] == ["region-VTA.png"]
    first = result.files[0].read_bytes()
    assert first.startswith(b"\x89PNG")
    assert draw_library(choice, tmp_path).files[0].read_bytes() == first


@pytest.mark.parametrize(("kind", "starts"), [("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_other_formats_carry_no_dates(tmp_path: Path, kind: str, starts: bytes) -> None:
    (path,) = draw_library(PictureChoice(("midbrain",), kind=kind, dpi=60), tmp_path).files
    data = path.read_bytes()
    assert data.startswith(starts)
    assert b"CreationDate" not in data
    assert b"<dc:date>" not in data
    assert draw_library(PictureChoice(("midbrain",), kind=kind, dpi=60), tmp_path).files[0].read_bytes() == data


def test_a_whole_definition_gives_its_regions_and_a_sheet(tmp_path: Path) -> None:
    seen: list[Path] = []
    result = draw_library(PictureChoice(definitions=("bzdok2012sphere",), dpi=40), tmp_path, seen.append)
    assert [path.name for path in result.files] == ["region-AI.png", "region-pACC.png", "contact-sheet.png"]
    assert tuple(seen) == result.files


@pytest.mark.parametrize(("choice", "says"), [
    (PictureChoice(("amygdalla",)), "no definition has a region"),
    (PictureChoice(("AI",), kind="gif"), "unknown format"),
    (PictureChoice(("AI",), space="MNI"), "unknown template space"),
])
def test_what_cannot_be_drawn(choice: PictureChoice, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        draw_library(choice, tmp_path)
    assert not list(tmp_path.iterdir())
