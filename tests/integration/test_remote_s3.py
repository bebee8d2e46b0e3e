"""A study on an S3-compatible server on this machine, behind a proxy that drops connections and counts bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import deltaroi
from deltaroi.layout import Layout
from helpers import file_hashes
from remote_servers import KEY, SECRET, Proxy, Trouble, before_store, s3_store

RAW, DERIVED = "s3://openneuro.test/ds000001", "s3://derivatives.test/fmriprep/ds000001-fmriprep"


@pytest.fixture(scope="session")
def store(simulated: Path) -> Iterator[tuple[int, Any]]:
    """An S3-compatible server with the simulated study."""
    with s3_store() as (port, client):
        for url, folder in ((RAW, "bids"), (DERIVED, "derivatives/fmriprep")):
            bucket, _, prefix = url.removeprefix("s3://").partition("/")
            client.create_bucket(Bucket=bucket)
            for path in sorted((simulated / folder).rglob("*")):
                if path.is_file():
                    key = f"{prefix}/{path.relative_to(simulated / folder).as_posix()}"
                    client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
        yield port, client


@pytest.fixture
def proxy(store: tuple[int, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The server of this test before the store."""
    with before_store(store[0], tmp_path, monkeypatch) as served:
        yield served


def study_on(simulated: Path, folder: Path, remote: str = "attempts: 4, timeout_s: 20", raw: str = RAW,
             derived: str = DERIVED) -> Path:
    """The simulated study with its data in the store."""
    text = (simulated / "study.yaml").read_text()
    old = "{bids_dir: bids, derivatives: derivatives/fmriprep,"
    assert old in text
    file = folder / "study.yaml"
    file.write_text(text.replace(old, f'{{bids_dir: "{raw}", derivatives: "{derived}",')
                    + f"execution: {{remote: {{{remote}}}}}\n")
    return file


def images(proxy: Proxy) -> dict[str, int]:
    return {path: count for path, count in proxy.sent.items() if path.endswith("desc-preproc_bold.nii.gz")}


@pytest.fixture(scope="module")
def at_home(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of the same study on local files."""
    out = tmp_path_factory.mktemp("home") / "out"
    assert deltaroi.run(simulated / "study.yaml", out, jobs=1).exit_code == 0
    return out


@pytest.mark.long
def test_the_same_bytes_come_out_and_each_byte_is_read_once(
        simulated: Path, at_home: Path, proxy: Proxy, tmp_path: Path) -> None:
    study = study_on(simulated, tmp_path)
    assert deltaroi.check(study).exit_code == 0
    derived = simulated / "derivatives/fmriprep"
    sizes = {f"/{DERIVED.removeprefix('s3://')}/{path.relative_to(derived).as_posix()}": path.stat().st_size
             for path in derived.rglob("*desc-preproc_bold.nii.gz")}
    assert all(count <= 4096 for count in images(proxy).values())  # check reads no more than headers
    dropped = sorted(sizes)[3]
    proxy.trouble[dropped] = [Trouble(after=30_000), Trouble(in_headers=True), Trouble(after=20_000)]
    result = deltaroi.run(study, tmp_path / "out", jobs=2)
    assert result.exit_code == 0
    assert images(proxy) == sizes
    out = file_hashes(tmp_path / "out")
    home = file_hashes(at_home)
    differ = {name for name in home.keys() | out.keys() if home.get(name) != out.get(name)}
    assert differ == {"group/study.json", "group/run.json", "report.html"}  # these say where the data are
    proxy.asked.clear()
    assert not sum(deltaroi.run(study, tmp_path / "out", jobs=1).reran.values())
    assert {path for path, _ in proxy.asked} == {"/openneuro.test", "/derivatives.test"}  # listed again, nothing else
    counts = json.loads((tmp_path / "out/group/run.json").read_text())["counts"]
    assert (counts["remote_images"], counts["remote_bytes"]) == (len(sizes), sum(sizes.values()))
    assert str(sum(sizes.values())) in (tmp_path / "out/report.html").read_text()
    total = json.loads(Layout(tmp_path / "out").transfers("all").read_text())
    assert total["streamed"] + 4096 * len(sizes) == sum(sizes.values())
    assert total["drops"] == 3
    assert total["mb_per_s"] > 0


def test_check_on_a_bucket_reads_headers_only(simulated: Path, proxy: Proxy, tmp_path: Path) -> None:
    result = deltaroi.check(study_on(simulated, tmp_path))
    assert result.exit_code == 0
    assert len(result.runs) == 16
    assert set(images(proxy).values()) == {4096}
    assert all(headers["authorization"].startswith("AWS4-HMAC-SHA256") for _, headers in proxy.asked)
    proxy.asked.clear()
    mixed = deltaroi.check(study_on(simulated, tmp_path, raw=str(simulated / "bids")))  # a clone with the small files
    assert mixed.runs.equals(result.runs)
    assert {path for path, _ in proxy.asked} == {"/derivatives.test"}


def test_an_object_that_changes_is_a_failure_and_no_number(
        simulated: Path, proxy: Proxy, store: tuple[int, Any], tmp_path: Path) -> None:
    study = study_on(simulated, tmp_path)
    study.write_text(study.read_text().replace("task: faces", 'task: faces, subjects: ["1001"]'))
    bucket, _, prefix = DERIVED.removeprefix("s3://").partition("/")
    path = next((simulated / "derivatives/fmriprep").rglob("sub-1001_ses-post*desc-preproc_bold.nii.gz"))
    key = f"{prefix}/{path.relative_to(simulated / 'derivatives/fmriprep').as_posix()}"

    def put(content: bytes) -> None:
        store[1].put_object(Bucket=bucket, Key=key, Body=content)

    proxy.trouble[f"/{bucket}/{key}"] = [Trouble(), Trouble(after=20_000, then=lambda: put(b"another object"))]
    try:
        result = deltaroi.run(study, tmp_path / "out", until="first-level")
    finally:
        put(path.read_bytes())
    assert result.exit_code == 5
    assert "the file changed while it was read" in result.exclusions["reason"].str.cat()
    assert not list((tmp_path / "out").rglob("sub-1001_ses-post*npz"))


@pytest.mark.long
def test_no_credential_is_written_anywhere(simulated: Path, proxy: Proxy, tmp_path: Path) -> None:
    study = study_on(simulated, tmp_path, remote="attempts: 2, timeout_s: 20")
    lost = next((simulated / "derivatives/fmriprep").rglob("sub-1001_ses-post*desc-preproc_bold.nii.gz"))
    place = lost.relative_to(simulated / "derivatives/fmriprep").as_posix()
    proxy.always[f"/{DERIVED.removeprefix('s3://')}/{place}"] = Trouble(status=403)
    ended = subprocess.run([sys.executable, "-m", "deltaroi", "run", str(study), "--out", str(tmp_path / "out"),
                            "--jobs", "2"], capture_output=True, text=True, check=False)
    assert ended.returncode == 5, ended.stderr
    assert "read over the network for these results: " in ended.stdout
    written = [path for folder in ("out", "cache") for path in (tmp_path / folder).rglob("*")]
    texts = [ended.stdout, ended.stderr, *map(str, written), *(path.read_bytes().decode("latin-1") for path in written
                                                              if path.is_file())]
    for secret in (KEY, SECRET, "AWS4-HMAC"):
        assert not [text[:200] for text in texts if secret in text]


def test_init_looks_into_a_bucket(proxy: Proxy, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from deltaroi.cli.main import entry
    from deltaroi.config.read import read_study

    with pytest.raises(SystemExit) as ended:
        entry(["init", RAW, "--derivatives", DERIVED, "--out", str(tmp_path / "study.yaml")])
    assert ended.value.code == 0, capsys.readouterr().err
    study = read_study(tmp_path / "study.yaml")
    assert (study.name, study.dataset.bids_dir, study.dataset.derivatives) == ("ds000001", RAW, DERIVED)
    assert (study.dataset.task, set(study.dataset.sessions)) == ("faces", {"pre", "post"})
    assert not images(proxy)
    assert deltaroi.check(tmp_path / "study.yaml").exit_code == 0


@pytest.mark.parametrize(("raw", "words", "code"), [
    ("s3://nobody.test/ds", "there is no such bucket", 4),
    ("s3://openneuro.test/ds000002", "nothing under this address", 4),
    (f"{RAW}/sub-1001", "holds no sub- folder", 4),
    ("https://host.example/ds", "only s3:// addresses can be listed", 3),
    ("s3://key:secret@openneuro.test/ds", "holds no credentials", 3)])
def test_a_root_that_is_none(simulated: Path, proxy: Proxy, tmp_path: Path, raw: str, words: str, code: int) -> None:
    with pytest.raises(deltaroi.DeltaroiError, match=words) as caught:
        deltaroi.check(study_on(simulated, tmp_path, raw=raw))
    assert caught.value.exit_code == code
    assert "secret" not in str(caught.value)
