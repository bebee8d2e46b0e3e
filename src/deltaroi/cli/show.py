"""Results as lines of plain text for the terminal."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from deltaroi.tables import EXPLORATORY
from deltaroi.types import CIRCULAR, NA

if TYPE_CHECKING:
    from deltaroi.pipeline.app import Participated
    from deltaroi.pipeline.check import CheckResult
    from deltaroi.pipeline.demo import DemoResult
    from deltaroi.pipeline.run import Preview, RunResult


def number(value: float, digits: int = 3) -> str:
    """A number for people; ``n/a`` when missing, and never 0 for what is only small."""
    if value is None or math.isnan(value):
        return "n/a"
    plain = f"{value:.{digits}f}"
    small = value != 0 and not float(plain)
    return f"{value:.2g}" if small or abs(value) >= 1e6 else plain


def p_value(value: float) -> str:
    """A p value for people."""
    if value is None or math.isnan(value):
        return "n/a"
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a table with aligned columns; the first column to the left, the others to the right."""
    cells = [list(header), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        first = row[0].ljust(widths[0])
        yield "  ".join([first, *[cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]]).rstrip()


def effects_lines(effects: pd.DataFrame, warnings: Iterable[str] = ()) -> Iterator[str]:
    """The primary effects and what to know about them."""
    primary = effects[effects["primary"]]
    several = primary.groupby("region")["definition"].nunique().max() > 1
    header = ["ROI", "contrast", "model", "term", "n", "estimate", "95 % CI", "unit", "p", "p_fwe", "p_holm", "size"]
    rows = [[_roi(r, several), r["contrast"], f"{r['model']}/{r['se_kind']}", r["term"], str(r["n"]),
             number(r["estimate"]), f"[{number(r['ci_low'])}, {number(r['ci_high'])}]", r["unit"], p_value(r["p"]),
             p_value(r["p_fwe"]), p_value(r["p_holm"]), f"{r['effect_size_kind']} {number(r['effect_size'], 2)}"]
            for r in primary.to_dict("records")]
    yield from grid(header, rows)
    for warning in warnings:
        yield f"warning: {warning}"


def connectivity_lines(effects: pd.DataFrame) -> Iterator[str]:
    """The primary effects on connectivity."""
    if len(effects):
        seed = effects["seed_region"] + "-" + effects["seed_hemisphere"]
        frame = effects.rename(columns={"target_hemisphere": "hemisphere", "target_definition": "definition"})
        pair = effects["name"] + ": " + seed + " with " + effects["target_region"]
        yield "connectivity:"
        yield from effects_lines(frame.assign(region=pair))


def _roi(row: Mapping[Hashable, Any], several: bool) -> str:
    """An ROI as people say it; its definition where regions have several, or where it is circular."""
    named = several or row["definition"] == CIRCULAR
    return f"{row['region']}-{row['hemisphere']}{' (' + row['definition'] + ')' if named else ''}"


def left_out_lines(exclusions: pd.DataFrame) -> Iterator[str]:
    """Why something is not in the numbers: one line per reason, with all ROIs, or the first of several subjects."""
    for reason, rows in exclusions.groupby("reason", sort=False):
        first, count = rows.iloc[0], len(rows)
        if (rows["subject"] == NA).all():
            place, count = ", ".join(dict.fromkeys(rows["region"])), 1
        else:
            heads = {"region": "", "subject": "subject ", "session": "session ", "run": "run "}
            place = ", ".join(f"{head}{first[name]}" for name, head in heads.items() if first[name] != NA)
        numbers = ", ".join(f"{head}{first[name]}" for name, head in (("value", ""), ("threshold", "asked for "))
                            if first[name] != NA)
        yield (f"left out: {place}: {reason}" + (f" ({numbers})" if numbers else "")
               + ("" if count == 1 else f"; so {'is' if count == 2 else 'are'} {count - 1} more"))


def demo_lines(result: DemoResult) -> Iterator[str]:
    """What the demo found, beside what was planted."""
    run = result.run
    yield from effects_lines(run.effects)
    yield ""
    yield "Simulated data. Planted (group difference of the change) and found:"
    header = ["ROI", "planted %", "estimate %", "95 % CI", "p_fwe", "verdict"]
    rows = [[f"{r['region']}-{r['hemisphere']}", number(r["planted"], 2), number(r["estimate"], 2),
             f"[{number(r['ci_low'], 2)}, {number(r['ci_high'], 2)}]", p_value(r["p_fwe"]), r["verdict"]]
            for r in result.recovery.to_dict("records")]
    yield from grid(header, rows)
    planted = result.recovery[result.recovery["planted"] != 0]
    yield ""
    yield f"{int((planted['verdict'] == 'found').sum())} of {len(planted)} planted effects were found at p_fwe < .05."
    yield f"tables: {run.out / 'group'}"
    yield f"report: {run.report}"


def run_lines(result: RunResult) -> Iterator[str]:
    """The effects, the warnings, the lock and where things are."""
    effects = result.effects[result.effects["specification"] == "main"]
    if len(effects):
        yield from effects_lines(effects, result.warnings)
        yield from left_out_lines(result.exclusions[result.exclusions["reason"].str.startswith("not tested")])
    yield from connectivity_lines(result.connectivity_effects)
    if result.lock is not None:
        yield from result.lock.lines()
        yield from status_lines(effects)
    yield from curve_lines(result.beside)
    count = int(result.responses["value"].notna().sum()) if len(result.responses) else 0
    connected = int(result.connectivity["value"].notna().sum()) if len(result.connectivity) else 0
    if result.read_again:
        yield f"the images of {result.read_again} runs were read again, for models that were not there yet"
    yield f"{count} responses, {f'{connected} connections, ' if connected else ''}{len(result.exclusions)} exclusions"
    yield f"tables: {result.out / 'group'}"
    if result.report is not None:
        yield f"report: {result.report}"
    if result.exit_code == 5:
        yield "at least one subject or run was lost to an unreadable or failing input; see exclusions.tsv"


def curve_lines(beside: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """What the specifications say together, a line per contrast and ROI."""
    if "specification_curve" in beside:
        table = beside["specification_curve"]
        yield f"specification curve, {int(table['n_specifications'].max())} specifications:"
        header = ["ROI", "contrast", "tested", "median", "unit", "same sign", "p<.05", "joint p: median", "share",
                  "mean z"]
        yield from grid(header, [
            [_roi(r, False), r["contrast"], str(int(r["n_tested"])), number(r["median"]), r["unit"],
             *(NA if math.isnan(r[name]) else f"{100 * r[name]:.0f} %" for name in ("share_sign", "share_significant")),
             *(p_value(r[name]) for name in ("p_median", "p_share", "p_stouffer"))] for r in table.to_dict("records")])


def participant_lines(done: Participated) -> Iterator[str]:
    """What there is of each participant, and what is left out."""
    for subject in done.participants:
        runs = done.runs.get(subject, 0)
        what = "responses" if subject in done.answered else "no responses"
        if done.waits_for_group and runs:
            what = "responses come with the group level, which knows the voxels that others choose"
        yield f"sub-{subject}: {runs} runs fitted, {what}" if runs else f"sub-{subject}: no usable run"
    yield from left_out_lines(done.exclusions)
    if done.exit_code == 5:
        yield "at least one run was lost to an unreadable or failing input"


def computed_lines(result: RunResult) -> Iterator[str]:
    """Which steps of participants were not there when the group level began."""
    for stage, count in result.reran.items():
        if count and stage in ("masks", "first-level", "responses"):
            yield f"{stage}: {count} steps were not done, or not with these inputs, and are done now"


def status_lines(effects: pd.DataFrame) -> Iterator[str]:
    """How many primary effects are confirmatory, and which are not."""
    primary = effects[effects["primary"].astype(bool)] if len(effects) else effects
    if primary.empty:
        return
    explored = primary[primary["status"] == EXPLORATORY]
    names = [f"{_roi(row, True)} {row['contrast']}" for row in explored.to_dict("records")]
    yield f"  {len(primary) - len(explored)} of {len(primary)} primary effects are confirmatory" \
          f"{'; exploratory: ' + ', '.join(names) if names else ''}"


def check_lines(result: CheckResult) -> Iterator[str]:
    """What will be used, what not, and why."""
    yield from result.lines()


def dry_run_lines(preview: Preview) -> Iterator[str]:
    """What a run would do."""
    header = ["stage", "steps", "marked done"]
    yield from grid(header, [[name, str(total), str(done)] for name, (total, done) in preview.stages.items()])
    yield from preview.lines
    yield "a step marked done is reused if its inputs, options and outputs still match"
