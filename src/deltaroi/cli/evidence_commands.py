"""Commands about the published results: evidence list, check, plot."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from deltaroi.cli.groups import group
from deltaroi.cli.progress import say, tell


class Format(StrEnum):
    """File format of a picture."""

    png = "png"
    svg = "svg"
    pdf = "pdf"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    evidence = group("The published results of the seven studies.")
    evidence.command(name="list")(evidence_list)
    evidence.command(name="check")(evidence_check)
    evidence.command(name="plot")(evidence_plot)
    app.add_typer(evidence, name="evidence")


def evidence_list(study: str = typer.Option(None, "--study", help="Only this study, e.g. desbordes2012."),
                  region: str = typer.Option(None, "--region", help="Only this region."),
                  kind: str = typer.Option(None, "--kind", help="activation, roi_list, correlation, connectivity or "
                                           "behaviour.")) -> None:
    """The reported results, their statistics, and the effect sizes that follow from them."""
    from deltaroi import evidence as room
    from deltaroi.cli.show_evidence import list_lines

    chosen = room.choose(room.read_evidence(), study, region, kind)
    for line in list_lines(chosen, room.effect_sizes(chosen)):
        tell(line)


def evidence_check(out: Path = typer.Option(None, "--out", help="Table of all findings, e.g. findings.tsv.")) -> None:
    """Recompute what can be recomputed, and show where the review contradicts itself."""
    from deltaroi import evidence as room
    from deltaroi.cli.show_evidence import finding_lines
    from deltaroi.errors import UsageError

    if out is not None and out.suffix != ".tsv":
        raise UsageError(f"found '{out.name}', expected a .tsv file", where="--out", hint="e.g. --out findings.tsv")
    findings = room.check(room.read_evidence(), room.read_statements())
    if out is not None:
        from deltaroi.io.tsv import write_table
        from deltaroi.tables import FINDINGS

        write_table(findings, FINDINGS, out)
    for line in finding_lines(findings):
        tell(line)
    if out is not None:
        say(f"written: {out}")


def evidence_plot(out: Path = typer.Option(..., "--out", help="Output folder."),
                  region: str = typer.Option(None, "--region", help="Only this region; behaviour: what is of none."),
                  kind: Format = typer.Option(Format.png, "--format", help="File format of the pictures.")) -> None:
    """Forest plots per region, with a mean where three comparable results exist, and the tables behind them."""
    from deltaroi.pipeline.evidence_pictures import draw_evidence

    result = draw_evidence(out, region, kind.value, say=lambda path: say(f"written: {path}"))
    for path in result.tables:
        say(f"written: {path}")
