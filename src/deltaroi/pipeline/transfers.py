"""What a run read over the network: bytes in ``group/run.json``; times and bandwidth, which differ, in ``logs/``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from deltaroi.io.files import write_json
from deltaroi.layout import Layout
from deltaroi.remote import File, RemoteFile, Traffic, counting, forget


@contextmanager
def noted(layout: Layout, what: str) -> Iterator[None]:
    """Write down what some work transfers, also when it fails; nothing where it transfers nothing."""
    with counting_anew() as traffic:
        try:
            yield
        finally:
            note(layout, what, traffic)


@contextmanager
def counting_anew() -> Iterator[Traffic]:
    """Count what some work transfers; every file is asked for anew."""
    forget()
    with counting() as traffic:
        yield traffic


def note(layout: Layout, what: str, traffic: Traffic) -> None:
    """Write down what was transferred."""
    if traffic.requests:
        write_json(layout.transfers(what), traffic.as_record())


def remote_counts(images_of: Mapping[str, Sequence[File]]) -> dict[str, int]:
    """How many of the images are remote, and their bytes as far as servers tell; empty where none is."""
    images = [image for files in images_of.values() for image in files if isinstance(image, RemoteFile)]
    return {"remote_images": len(images), "remote_bytes": sum(image.size or 0 for image in images)} if images else {}


def sum_up(layout: Layout, images_of: Mapping[str, Sequence[File]]) -> dict[str, float]:
    """Add up what planning and what reads images transferred, and write it; empty where nothing was."""
    total = Traffic()
    remote = (name for name, files in images_of.items() if any(isinstance(file, RemoteFile) for file in files))
    for what in ("plan", *remote):
        try:
            noted_then = json.loads(layout.transfers(what).read_text())
        except (OSError, ValueError):
            continue
        total.add(**{name: noted_then[name] for name in vars(total) if name in noted_then})
    if not total.requests:
        return {}
    write_json(layout.transfers("all"), total.as_record())
    return total.as_record()
