"""The report's tables as plain text cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from deltaroi.report import words
from deltaroi.report.answer import holds
from deltaroi.report.data import ALPHA, ROI, Output, Row, records, roi_of
from deltaroi.types import CIRCULAR, NA


@dataclass(frozen=True)
class Table:
    """A table for the page: the first column names the row; ``numeric`` columns stand right; ``note`` stands below."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = field(default_factory=frozenset)
    marked: frozenset[int] = field(default_factory=frozenset)
    note: str = ""


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]], numeric: Iterable[str] = (),
           marked: Iterable[int] = ()) -> Table:
    right = frozenset(columns.index(name) for name in numeric)
    return Table(caption, tuple(columns), tuple(tuple(row) for row in rows), right, frozenset(marked))


def with_status(table: Table, statuses: Iterable[str]) -> Table:
    """A table of results with the status of each row as its second column; as it is where the study has no lock."""
    status = [str(one) for one in statuses]
    if all(one == NA for one in status):
        return table
    rows = tuple((row[0], one, *row[1:]) for row, one in zip(table.rows, status, strict=True))
    return replace(table, columns=(table.columns[0], "Status", *table.columns[1:]), rows=rows,
                   numeric=frozenset(i + 1 if i else 0 for i in table.numeric))


def same(frame: pd.DataFrame, column: str) -> str | None:
    """The one value of a column, or None when there are several."""
    values = list(dict.fromkeys(frame[column]))
    return str(values[0]) if len(values) == 1 else None


def people(row: Row) -> str:
    """The n of a row: ``10 / 9`` for two groups, else the total."""
    if math.isfinite(row["n_first"]) and math.isfinite(row["n_second"]):
        return f"{words.count(row['n_first'])} / {words.count(row['n_second'])}"
    return words.count(row["n"])


def comparison(name: str) -> str:
    """A comparison as it is printed."""
    return name.replace(",", " / ").replace("|", ", ")


def primary_tables(output: Output) -> tuple[Table, ...]:
    """One table of primary effects per contrast."""
    primary = output.primary
    return tuple(_primary(output, name, primary[primary["contrast"] == name].reset_index(drop=True))
                 for name in dict.fromkeys(primary["contrast"]))


def _primary(output: Output, contrast: str, frame: pd.DataFrame) -> Table:
    decimals = words.decimals_for(frame["ci_high"] - frame["ci_low"])
    kind = same(frame, "statistic_kind")
    extra = [name for name in ("model", "term", "comparison", "se_kind") if same(frame, name) is None]
    extra += [name for name in ("summary", "specification") if frame.groupby(ROI)[name].nunique().max() > 1]
    columns = ["ROI", "n", "Estimate [95 % CI]", kind or "t or F", "df", "p", "p FWE", "p Holm", "q FDR",
               "Effect size [CI]", "Detectable", *(name.replace("_", " ") for name in extra)]
    rows = []
    for row in records(frame):
        statistic = words.number(row["statistic"])
        rows.append([output.roi_label(roi_of(row)), people(row), estimate(row, decimals),
                     statistic if kind else f"{row['statistic_kind']} = {statistic}", words.degrees(row["df"]),
                     *(words.p_value(row[name]) for name in ("p", "p_fwe", "p_holm", "q_fdr")), effect_size(row),
                     _with_unit(words.number(row["mde_80"], decimals), words.unit(row["unit"])),
                     *(comparison(str(row[name])) for name in extra)])
    stated = [words.MODELS.get(model, model) if (model := same(frame, "model")) else "",
              words.term(name) if (name := same(frame, "term")) else "",
              comparison(name) if (name := same(frame, "comparison")) else "",
              f"{words.ERRORS.get(name, name)} standard errors" if (name := same(frame, "se_kind")) else ""]
    caption = f"{contrast}, primary effects: " + "; ".join(part for part in stated if part) + "."
    table = _table(caption, columns, rows, columns[1:11], [i for i, row in enumerate(records(frame)) if holds(row)])
    return with_status(table, frame["status"])


def estimate(row: Row, decimals: int) -> str:
    """``0.21 % [0.05, 0.37]``."""
    if not math.isfinite(row["estimate"]):
        return NA
    return f"{words.number(row['estimate'], decimals)} {words.unit(row['unit'])} " \
           f"{words.interval(row['ci_low'], row['ci_high'], decimals)}".rstrip()


def effect_size(row: Row) -> str:
    """``d_ppc2 0.61 [0.02, 1.20]``."""
    if not math.isfinite(row["effect_size"]):
        return NA
    kind = words.EFFECT_SIZES.get(row["effect_size_kind"], row["effect_size_kind"])
    return f"{kind} {words.number(row['effect_size'])} {words.interval(row['es_ci_low'], row['es_ci_high'])}".rstrip()


def all_effects(output: Output) -> Table:
    """Every row of the effects table."""
    frame = output.ordered(output.effects)
    columns = ["ROI", "Contrast", "Model", "Term", "Comparison", "SE", "Primary", "n", "Estimate [95 % CI]", "SE of it",
               "t or F", "df", "p", "p FWE", "p Holm", "q FDR", "Family size", "Effect size [CI]", "BF10",
               "Equivalence bound", "p equivalence", "Leave-one-out range", "Detectable at 80 %"]
    places = {name: words.decimals_for(part["ci_high"] - part["ci_low"]) + 1
              for name, part in frame.groupby("contrast")} if len(frame) else {}
    rows = []
    for row in records(frame):
        d = places[row["contrast"]]
        unit = words.unit(row["unit"])
        rows.append([
            output.roi_label(roi_of(row)), row["contrast"], row["model"], words.term(row["term"]),
            comparison(row["comparison"]), words.ERRORS.get(row["se_kind"], row["se_kind"]),
            "yes" if row["primary"] else "no", people(row), estimate(row, d), words.number(row["se"], d),
            f"{row['statistic_kind']} = {words.number(row['statistic'])}", words.degrees(row["df"]),
            *(words.p_value(row[name]) for name in ("p", "p_fwe", "p_holm", "q_fdr")),
            words.count(row["family_size"]), effect_size(row), words.number(row["bf10"]),
            _with_unit("±" + words.number(row["equivalence_bound"], d), unit), words.p_value(row["p_equivalence"]),
            words.interval(row["loo_min"], row["loo_max"], d) or NA, _with_unit(words.number(row["mde_80"], d), unit)])
    table = _table("All tested effects; the full precision is in group/effects.tsv.", columns, rows, columns[7:],
                   [i for i, flag in enumerate(frame["primary"]) if flag])
    return with_status(table, frame["status"])


def _with_unit(text: str, unit: str) -> str:
    return NA if NA in text else f"{text} {unit}"


def difference_table(output: Output) -> Table:
    """What is not as frozen."""
    found = output.locked.differences if output.locked else ()
    return Table("What differs from the lock.", ("Place", "Frozen", "As run", "Exploratory"),
                 tuple((one.place, one.old, one.new, one.touches) for one in found))


def exclusion_tables(output: Output) -> tuple[Table, Table]:
    """Exclusions counted by stage and reason, and all of them."""
    frame, failed = output.exclusions, failures(output)
    counts = []
    for (stage, reason), part in frame.groupby(["stage", "reason"], sort=True):
        subjects = set(part["subject"]) - {NA}
        lost = sum(i in failed for i in part.index)
        counts.append([str(reason), str(stage), str(len(part)), str(len(subjects)), str(lost) if lost else "–"])
    summary = _table("Exclusions by reason. A failure is an input that was unreadable, truncated or failing.",
                     ["Reason", "Stage", "Rows", "Subjects", "Failures"], counts, ["Rows", "Subjects", "Failures"])
    names = ["subject", "session", "run", "region", "stage", "reason", "value", "threshold"]
    rows = [[*(str(row[name]) for name in names), "failure" if i in failed else ""]
            for i, row in enumerate(records(frame))]
    return summary, _table("Everything that is not in the numbers.", [*(n.capitalize() for n in names), "Failure"],
                           rows, marked=failed)


def failures(output: Output) -> frozenset[int]:
    """Positions in the exclusions table of the rows that a failing input caused."""
    def fits(row: Row) -> bool:
        return any(all(str(row[k]) == v for k, v in failure.items() if k in row)
                   for failure in output.run.failures if set(failure) & set(row))
    return frozenset(i for i, row in enumerate(records(output.exclusions)) if fits(row))


def region_table(output: Output) -> Table:
    """Where every ROI comes from and what became of it on the grid."""
    order = {key: i for i, key in enumerate(output.rois)}
    rows_in = sorted(records(output.regions), key=lambda row: order[roi_of(row)])
    columns = ["ROI", "Definition", "Source", "Licence", "Citation", "Space", "Volume native → on grid (mm³)",
               "Voxels (effective)", "Filling rule", "Grid", "Centre x, y, z (mm)", "Warning"]
    rows, warned = [], []
    for n, row in enumerate(rows_in):
        version = "" if row["source_version"] == NA else f" {row['source_version']}"
        if row["warning"] != NA:
            warned.append(n)
        rows.append([output.roi_label(roi_of(row)), row["definition"], row["source"] + version, row["licence"],
                     row["citation"], _spaces(row),
                     f"{words.count(row['native_volume_mm3'])} → {words.count(row['volume_mm3'])}",
                     f"{words.count(row['n_voxels'])} ({words.number(row['n_voxels_effective'], 1)})",
                     row["rule"].replace("_", " "), row["grid"],
                     ", ".join(words.number(row[name], 0) for name in ("x_mm", "y_mm", "z_mm")),
                     "" if row["warning"] == NA else row["warning"]])
    table = _table("The ROIs: source, and volume before and after resampling to the images' grid.", columns, rows,
                   [columns[6], columns[7], columns[10]], warned)
    return shared_below(table, (1, 2, 3, 4, 5, 8, 9))


def selection_table(output: Output) -> Table:
    """How many voxels localisers chose for each functional ROI, from how many, and how stable the choice is."""
    columns = ["ROI", "Chosen by", "From", "Sets of voxels", "Empty sets", "Candidates", "Chosen", "Smallest t",
               "Overlap"]
    rows: list[list[str]] = []
    marked: list[int] = []
    groups = dict(iter(output.selections.groupby(ROI, sort=False)))
    for roi in output.rois:
        key = (roi.region, roi.hemisphere, roi.definition)
        if key not in groups:
            continue
        part = groups[key]
        made = part[part["n_chosen"] > 0]
        if roi.definition == CIRCULAR:
            marked.append(len(rows))
        rows.append([output.roi_label(roi), str(part["contrast"].iloc[0]),
                     str(part["select_from"].iloc[0]).replace("_", " "), str(len(part)), str(len(part) - len(made)),
                     _range(made["n_candidates"], 0), _range(made["n_chosen"], 0), _range(made["threshold_t"], 1),
                     _range(made["overlap"], 2)])
    table = _table("Functional ROIs: median (smallest to largest) over the sets of voxels that localisers chose.",
                   columns, rows, columns[3:], marked)
    return replace(table, note="Overlap: Dice with the first set of the same subject; every set is in "
                   "group/selections.tsv.")


def _range(values: pd.Series, decimals: int) -> str:
    known = values.dropna()
    if known.empty:
        return NA
    low, middle, high = (words.number(float(v), decimals) for v in (known.min(), known.median(), known.max()))
    return middle if low == high else f"{middle} ({low} to {high})"


def _spaces(row: Row) -> str:
    if row["source_space"] == row["space"]:
        return f"{row['space']} ({row['space_relation']})"
    return f"{row['source_space']} → {row['space']} ({row['space_relation']})"


def shared_below(table: Table, candidates: Sequence[int]) -> Table:
    """Take columns that say the same in every row out of the table, into its note."""
    shared = {i for i in candidates if len(table.rows) > 1 and len({row[i] for row in table.rows}) == 1}
    if not shared:
        return table
    kept = [i for i in range(len(table.columns)) if i not in shared]
    note = "For every row: " + "; ".join(f"{table.columns[i].lower()} {table.rows[0][i]}" for i in sorted(shared))
    return Table(table.caption, tuple(table.columns[i] for i in kept),
                 tuple(tuple(row[i] for i in kept) for row in table.rows),
                 frozenset(kept.index(i) for i in table.numeric - shared), table.marked, note.rstrip(".") + ".")


def quality_table(output: Output) -> Table:
    """The tests for differences in coverage and tSNR."""
    order = {key: i for i, key in enumerate(output.rois)}
    rows_in = sorted(records(output.quality), key=lambda row: (row["measure"], order.get(roi_of(row), len(order))))
    columns = ["ROI", "Measure", "Test", "n", "Difference", "t", "df", "p"]
    rows, marked = [], []
    for n, row in enumerate(rows_in):
        if row["p"] < ALPHA:
            marked.append(n)
        rows.append([output.roi_label(roi_of(row)), row["measure"], words.term(row["term"]), words.count(row["n"]),
                     words.number(row["estimate"], 3 if row["measure"] == "coverage" else 1),
                     words.number(row["statistic"]), words.degrees(row["df"]), words.p_value(row["p"])])
    return _table("Tests for differences in coverage and tSNR, not corrected; marked rows have p < .05.", columns, rows,
                  columns[3:], marked)
