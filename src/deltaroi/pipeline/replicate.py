"""A published study again: simulate its design or take the user's data, run its analysis, judge its claims."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from deltaroi.config.read import read_study
from deltaroi.config.study import Study
from deltaroi.errors import DataError, UsageError
from deltaroi.io.files import atomic_write, write_json
from deltaroi.io.tsv import read_table, write_table
from deltaroi.layout import Layout
from deltaroi.pipeline.card import Asked, Reports, card, read_reports
from deltaroi.pipeline.progress import Progress, Quiet
from deltaroi.pipeline.published import PLANTED_FILE, STUDY_FILE, SimulateOptions, simulate_published
from deltaroi.pipeline.run import RunResult, run
from deltaroi.specs import Claim, ClaimTable
from deltaroi.stats.verdicts import RULES
from deltaroi.studies import published
from deltaroi.tables import CARD, PLANTED, SCHEMAS
from deltaroi.types import NA

DATASET, RESULTS, DONE = "dataset", "results", "simulated.json"
NOT_TESTABLE = RULES[0].word
_REASONS = 8


@dataclass(frozen=True, eq=False)
class Replication:
    """What a replication found.

    Attributes
    ----------
    out, page : Path
        Folder and page.
    table : DataFrame
        Conformed to :data:`deltaroi.tables.CARD`: one row per claim.
    simulated : bool
        Whether the data are simulated.
    run : RunResult
        The analysis.
    exit_code : int
        That of the run; 4 when no claim could be tested.
    """

    out: Path
    page: Path
    table: pd.DataFrame
    simulated: bool
    run: RunResult
    exit_code: int


def replicate(name: str, out: str | Path, study: str | Path | None = None, *, simulate: SimulateOptions | None = None,
              jobs: int | None = None, progress: Progress | None = None) -> Replication:
    """Run the analysis of a published study and hold what it finds against what was reported.

    Parameters
    ----------
    name : str
        Of ``configs/studies``.
    out : path
        Folder for ``card.tsv``, ``card.json``, ``card.html``, ``results`` and, without ``study``, ``dataset``.
    study : path, optional
        The user's study file, e.g. by ``deltaroi studies init``; without it the published design is simulated.
    simulate : SimulateOptions, optional
        How; only without ``study``.
    jobs : int, optional
        Worker processes; never changes a number.
    progress : Progress, optional
        Is told how far the work has come.

    Raises
    ------
    StudyError
        The study file says something that cannot be, or its claims are not results of this study.
    UsageError
        There is no such study, or options of the simulation are given with a study file.
    DataError
        Nothing usable is left of the data.
    """
    from deltaroi.report.card_page import write_card_page

    folder, shown, there = Path(out), progress or Quiet(), published(name)
    if study is not None and simulate is not None:
        raise UsageError("with a study file nothing is simulated", where="--resolution, --seed, --null, --scale",
                         hint="leave them out, or leave out the study file")
    if folder.exists() and not folder.is_dir():
        raise UsageError("the output is a file, not a folder", where=str(folder), hint="choose another --out")
    own = read_study(study) if study is not None else there
    claims = own.claims or there.claims
    reports = read_reports(name, claims, str(study or name))
    file = Path(study) if study is not None else _dataset(name, folder, simulate or SimulateOptions(), jobs, shown)
    found = run(file, folder / RESULTS, jobs=jobs, progress=shown)
    simulated = _simulated(found.out)
    table = card(Asked(found.study, there, reports), claims, tables_of(found), _planted(file) if simulated else None)
    table = write_table(table, CARD, folder / "card.tsv")
    said = {**_said(there, found, reports, claims), "Simulated": simulated,
            "Simulation": asdict(simulate or SimulateOptions()) if study is None else None}
    write_json(folder / "card.json", {**CARD.sidecar(), "Replication": said})
    tested = bool((table["verdict"] != NOT_TESTABLE).any())
    return Replication(folder, write_card_page(folder), table, simulated, found, found.exit_code if tested else 4)


def tables_of(found: RunResult) -> dict[str, pd.DataFrame]:
    """The tables of a run in which claims find their answers, by name."""
    layout = Layout(found.out)
    return {name: read_table(path, SCHEMAS[name]) for name in get_args(ClaimTable)
            if name in SCHEMAS and (path := layout.table(name)).is_file()}


def _dataset(name: str, folder: Path, options: SimulateOptions, jobs: int | None, progress: Progress) -> Path:
    """The simulated dataset's study file; what the same options made before is kept."""
    done = folder / DONE
    asked = json.dumps({"study": name, **asdict(options)}, sort_keys=True) + "\n"
    file = folder / DATASET / STUDY_FILE
    if done.is_file() and file.is_file():
        if done.read_text() == asked:
            return file
        raise UsageError("the folder holds another simulation", where=str(folder / DATASET),
                         hint=f"choose another --out, or remove it; it was made with {done.read_text().strip()}")
    simulate_published(name, folder / DATASET, options, jobs=jobs or 1, progress=progress)
    atomic_write(done, asked.encode())
    return file


def _simulated(results: Path) -> bool:
    record = Layout(results).record
    try:
        return json.loads(record.read_text(encoding="utf-8")).get("simulated") is True
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"cannot be read: {error}", where=str(record), hint="run the command again") from error


def _planted(study: Path) -> Mapping[str, tuple[float, str]] | None:
    """What a simulated publication planted, from the table beside its study file."""
    path = study.parent / PLANTED_FILE
    if not path.is_file():
        return None
    return {row["claim"]: (row["planted"], row["planted_unit"])
            for row in read_table(path, PLANTED).to_dict("records")}


def _said(there: Study, found: RunResult, reports: Reports, claims: Mapping[str, Claim]) -> dict[str, Any]:
    """What the page says beside the claims."""
    design = there.design
    people = found.responses[found.responses["value"].notna()].drop_duplicates("subject")["group"]
    reasons = found.exclusions["reason"].value_counts()
    return {
        "Name": there.name, "Study": found.study.name, "Description": there.description,
        "Citation": design.citation if design is not None else NA, "Doi": design.doi if design is not None else None,
        "ReportedGroups": {label: group.n for label, group in design.groups.items()} if design is not None else {},
        "Groups": {("all" if label == NA else str(label)): int(n) for label, n in people.value_counts().items()},
        "ReportedSessions": list(there.dataset.sessions), "Sessions": list(found.study.dataset.sessions),
        "Contrasts": dict(found.study.contrasts), "EquivalenceBound": found.study.group.equivalence_bounds_d,
        "NotStated": [one.model_dump() for one in design.not_stated] if design is not None else [],
        "NamedBeforehand": [_named(row, found.regions) for row in reports.listed(claims)],
        "Exclusions": {str(reason): int(n) for reason, n in reasons.head(_REASONS).items()},
        "ExclusionRows": len(found.exclusions), "Warnings": list(found.warnings), "ExitCode": found.exit_code,
    }


def _named(row: Mapping[str, Any], regions: pd.DataFrame) -> dict[str, str]:
    """A region that the study named beforehand, and the ROIs of the run that measure it."""
    inside = regions[regions["region"] == row["region"]]
    measured = [f"{one['hemisphere']} ({one['definition']})" for one in
                inside.drop_duplicates(["hemisphere", "definition"]).to_dict("records")]
    return {"Claim": row["id"], "Region": row["region"], "Hemisphere": row["hemisphere"], "Place": row["place"],
            "Measured": ", ".join(measured) or "not in the run"}
