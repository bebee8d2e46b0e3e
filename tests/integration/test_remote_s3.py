"""A study on an S3-compatible server on this machine, behind a proxy that drops connections and counts bytes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import deltaroi
from deltaroi.layout import Layout
from deltaroi.remote import s3
from helpers import file_hashes
from remote_servers import Proxy, Trouble, serving

KEY, SECRET = "AKIAPLANTEDKEYPLANTED", "planted/SecretAccessKey+planted/SecretAcc"
RAW, DERIVED = "s3://openneuro.test/ds000001", "s3://derivatives.test/fmriprep/ds000001-fmriprep"


@pytest.fixture(scope="session")
def store(simulated: Path) -> Iterator[tuple[int, Any]]:
    """The port of an S3-compatible server with the simulated study, and a client of it."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
                          aws_access_key_id="x", aws_secret_access_key=SECRET)
    for url, folder in ((RAW, "bids"), (DERIVED, "derivatives/fmriprep")):
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        client.create_bucket(Bucket=bucket)
        for path in sorted((simulated / folder).rglob("*")):
            if path.is_file():
                key = f"{prefix}/{path.relative_to(simulated / folder).as_posix()}"
                client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    yield port, client
    client.close()
    server.stop()


@pytest.fixture
def proxy(store: tuple[int, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The server of this test before the store; the environment points to it."""
    monkeypatch.setenv("DELTAROI_CACHE", str(tmp_path / "cache"))
    for name, value in (("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_REGION", "us-east-1"),
                        ("AWS_EC2_METADATA_DISABLED", "true"), ("AWS_CONFIG_FILE", str(tmp_path / "config")),
                        ("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    s3.client.cache_clear()
    with serving(Proxy(upstream=store[0])) as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        yield served
    s3.client.cache_clear()


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
    result = deltaroi.run(study, tmp_path / "out", jobs=1)
    assert result.exit_code == 0
    assert images(proxy) == sizes
    out = file_hashes(tmp_path / "out")
    home = file_hashes(at_home)
    differ = {name for name in home.keys() | out.keys() if home.get(name) != out.get(name)}
    assert differ == {"group/study.json", "group/run.json", "report.html"}  # these say where the data are
    proxy.asked.clear()
    assert not sum(deltaroi.run(study, tmp_path / "out", jobs=1).reran.values())
    assert {path for path, _ in proxy.asked} == {"/openneuro.test", "/derivatives.test"}  # listed again, nothing else
    record = json.loads((tmp_path / "out/group/run.json").read_text())["remote"]
    assert (record["images"], record["bytes"]) == (len(sizes), sum(sizes.values()))
    total = json.loads(Layout(tmp_path / "out").transfers("all").read_text())
    assert total["streamed"] + 4096 * len(sizes) == sum(sizes.values())
    assert total["drops"] == 3
    assert total["mb_per_s"] > 0
