"""What a run read over the network: bytes in ``group/run.json``; times and bandwidth, which differ, in ``logs/``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deltaroi.io.files import write_json
from deltaroi.layout import Layout
from deltaroi.remote import RemoteFile, Traffic, counting, forget

if TYPE_CHECKING:
    from deltaroi.pipeline.plan import Plan


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


def remote_images(plan: Plan) -> dict[str, list[RemoteFile]]:
    """What reads remote images (a run's label, a subject with maps), and which."""
    found: dict[str, list[RemoteFile]] = {}
    for planned in (*plan.runs, *plan.localisers):
        key = planned.run.key
        maps = [one.path for row in plan.maps.get(key, ()) for one in (row.file, row.variance) if one]
        name = f"sub-{key.subject}" if maps else key.label
        for file in maps or [planned.run.bold]:
            if isinstance(file, RemoteFile):
                found.setdefault(name, []).append(file)
    return found


def remote_counts(plan: Plan) -> dict[str, int]:
    """How many of the images are remote, and their bytes as far as servers tell; empty where none is."""
    images = [image for files in remote_images(plan).values() for image in files]
    return {"remote_images": len(images), "remote_bytes": sum(image.size or 0 for image in images)} if images else {}


def sum_up(layout: Layout, plan: Plan) -> dict[str, float]:
    """Add up what planning and what reads images transferred, and write it; empty where nothing was."""
    total = Traffic()
    for what in ("plan", *remote_images(plan)):
        try:
            noted_then = json.loads(layout.transfers(what).read_text())
        except (OSError, ValueError):
            continue
        total.add(**{name: noted_then[name] for name in vars(total) if name in noted_then})
    if not total.requests:
        return {}
    write_json(layout.transfers("all"), total.as_record())
    return total.as_record()
