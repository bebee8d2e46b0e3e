"""A study whose files are named in a table of URLs, on a web server on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import deltaroi
from deltaroi.io.files import gzip_bytes
from deltaroi.layout import Layout
from helpers import file_hashes
from remote_servers import Page, Trouble, WebServer, own_settings, serving

TOKEN, PASSWORD = "PlantedTokenOfASignedURL", "PlantedPassword"
ONE = "sub-1001/ses-post/func/sub-1001_ses-post_task-faces_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz"
DATA = {"raw": "bids", "derivatives": "derivatives/fmriprep"}


@pytest.fixture
def web(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A web server with the simulated study; addresses in files.tsv need a token and a password that nobody may see."""
    own_settings(tmp_path, monkeypatch)
    with serving(WebServer()) as server:
        rows = ["dataset\tpath\turl"]
        for dataset, folder in DATA.items():
            for path in sorted((simulated / folder).rglob("*")):
                if path.is_file():
                    place = path.relative_to(simulated / folder).as_posix()
                    server.pages[f"/{dataset}/{place}"] = Page(path.read_bytes())
                    address = server.url(f"/{dataset}/{place}").replace("//", f"//reader:{PASSWORD}@")
                    rows.append(f"{dataset}\t{place}\t{address}?X-Amz-Signature={TOKEN}")
        (tmp_path / "files.tsv").write_text("\n".join(rows) + "\n")
        text = (simulated / "study.yaml").read_text()
        old = "{bids_dir: bids, derivatives: derivatives/fmriprep,"
        assert old in text
        (tmp_path / "study.yaml").write_text(text.replace(old, '{index: files.tsv, subjects: ["1001", "2001"],') +
                                             "execution: {remote: {attempts: 3, timeout_s: 10}}\n")
        yield server


def artefacts(out: Path) -> dict[str, str]:
    return {name: digest for name, digest in file_hashes(out).items() if name.endswith("firstlevel_stat.npz")}


def test_a_table_of_urls_gives_the_artefacts_of_local_files(web: WebServer, simulated: Path, tmp_path: Path) -> None:
    for file in (tmp_path / "study.yaml", simulated / "study.yaml"):
        text = file.read_text().replace("confounds: {motion: 6,", "confounds: {motion: 6, acompcor: 2,")
        assert "acompcor" in text  # which needs the JSON beside the table
        (tmp_path / ("study.yaml" if file.parent == tmp_path else "local.yaml")).write_text(text)
    web.trouble[f"/derivatives/{ONE}"] = [Trouble(), Trouble(after=20_000), Trouble(in_headers=True)]  # after the peek
    result = deltaroi.run(tmp_path / "study.yaml", tmp_path / "out", until="first-level")
    assert result.exit_code == 0, result.exclusions["reason"].to_list()
    assert result.transfers["drops"] == 2
    sent = {path: count for path, count in web.sent.items() if path.endswith("desc-preproc_bold.nii.gz")}
    assert sent == {path: len(web.pages[path].content) for path in sent}
    assert len(sent) == 4  # of two subjects: nothing is fetched of the others
    (tmp_path / "local.yaml").write_text((tmp_path / "local.yaml").read_text().replace(
        "task: faces", 'task: faces, subjects: ["1001", "2001"]'))
    shutil.copytree(simulated / "bids", tmp_path / "bids")
    (tmp_path / "derivatives").symlink_to(simulated / "derivatives")
    deltaroi.run(tmp_path / "local.yaml", tmp_path / "home", until="first-level")
    assert artefacts(tmp_path / "out") == artefacts(tmp_path / "home")
    assert len(artefacts(tmp_path / "out")) == 4
    assert not sum(deltaroi.run(tmp_path / "study.yaml", tmp_path / "out", until="first-level").reran.values())


def test_check_reads_headers_only_and_small_files_once(web: WebServer, tmp_path: Path) -> None:
    assert deltaroi.check(tmp_path / "study.yaml").exit_code == 0
    images = {path: count for path, count in web.sent.items() if path.endswith("desc-preproc_bold.nii.gz")}
    assert set(images.values()) == {4096}
    assert all(count == len(web.pages[path].content) for path, count in web.sent.items() if path not in images)
    before = web.sent.total()
    assert deltaroi.check(tmp_path / "study.yaml").exit_code == 0
    assert web.sent.total() == before  # only asked whether they are what they were


def test_an_image_that_changes_is_a_failure_and_no_number(web: WebServer, tmp_path: Path) -> None:
    page = web.pages[f"/derivatives/{ONE}"]
    other = Page(gzip_bytes(b"another image"))
    page.then = Page(page.content, then=other)  # the header, the first part of the stream, and then another file
    web.trouble[f"/derivatives/{ONE}"] = [Trouble(), Trouble(after=20_000)]
    result = deltaroi.run(tmp_path / "study.yaml", tmp_path / "out", until="first-level")
    assert result.exit_code == 5
    lost = result.exclusions[result.exclusions["reason"].str.contains("the file changed while it was read")]
    assert lost[["subject", "session", "value"]].to_numpy().tolist() == [["1001", "post", Path(ONE).name]]
    assert not Layout(tmp_path / "out").root.joinpath(*Path(ONE).parts[:3]).exists()
    assert len(artefacts(tmp_path / "out")) == 3


def test_a_file_that_is_gone_costs_its_run(web: WebServer, tmp_path: Path) -> None:
    del web.pages[f"/derivatives/{ONE}"]
    confounds = "/derivatives/sub-2001/ses-pre/func/sub-2001_ses-pre_task-faces_desc-confounds_timeseries.tsv"
    web.always[confounds] = Trouble(status=403)
    result = deltaroi.check(tmp_path / "study.yaml")
    assert result.exit_code == 5
    reasons = result.exclusions.set_index("subject")["reason"]
    assert "the BOLD image cannot be read: there is no such file (HTTP status 404)" in reasons["1001"]
    assert "the confounds table cannot be read: the server refuses the file (HTTP status 403)" in reasons["2001"]


@pytest.mark.long
def test_no_secret_is_written_anywhere(web: WebServer, tmp_path: Path) -> None:
    del web.pages[f"/derivatives/{ONE}"]
    other = ONE.replace("1001", "2001")
    web.always[f"/derivatives/{other}"] = Trouble(after=5)
    ended = subprocess.run([sys.executable, "-m", "deltaroi", "run", str(tmp_path / "study.yaml"), "--out",
                            str(tmp_path / "out"), "--until", "responses", "--jobs", "2"], capture_output=True,
                           text=True, check=False)
    assert ended.returncode == 5, ended.stderr
    written = [path for folder in ("out", "cache") for path in (tmp_path / folder).rglob("*")]
    texts = [ended.stdout, ended.stderr, *map(str, written), *(path.read_bytes().decode("latin-1") for path in written
                                                              if path.is_file())]
    assert len(texts) > 50
    for secret in (TOKEN, PASSWORD, "X-Amz"):
        assert not [text[:200] for text in texts if secret in text]
    asked = {headers["authorization"] for _, headers in web.asked}
    assert len(asked) == 1  # the password did reach the server
    record = json.loads((tmp_path / "out/group/run.json").read_text())
    assert {row["subject"] for row in record["failures"]} == {"1001", "2001"}
