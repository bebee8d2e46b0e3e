"""Write the generated tables of docs/evidence.md. Run from the checkout: ``python scripts/evidence_docs.py``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from deltaroi import evidence

PAGE = Path(__file__).resolve().parents[1] / "docs" / "evidence.md"
_LISTED = {"contradiction": "Contradictions", "omission": "Omissions", "cannot be checked": "What cannot be checked"}


def blocks() -> dict[str, str]:
    """The generated parts of the page by name."""
    results = evidence.read_evidence()
    sizes = evidence.effect_sizes(results)
    findings = evidence.check(results, evidence.read_statements())
    return {
        "rows": "\n".join(_rows(results)), "counts": "\n".join(_counts(findings)),
        "findings": "\n".join(_findings(findings)), "sizes": "\n".join(_sizes(sizes)),
        "reasons": "\n".join(_reasons(sizes)), "pooled": "\n".join(_pooled(evidence.pool(results, sizes))),
    }


def page() -> str:
    """The page with its generated parts renewed."""
    text = PAGE.read_text(encoding="utf-8")
    for name, block in blocks().items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", flags=re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"{PAGE.name}: expected one block '{name}'")
        text = pattern.sub(lambda found, block=block: f"{found[1]}{block}\n{found[2]}", text)
    return text


def _table(header: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def _rows(results: pd.DataFrame) -> Iterator[str]:
    counts = results.groupby(["study", "kind"]).size().unstack(fill_value=0)
    yield from _table(["study", *counts.columns], [[str(study), *(str(n) for n in row)]
                                                   for study, row in zip(counts.index, counts.to_numpy(), strict=True)])


def _counts(findings: pd.DataFrame) -> Iterator[str]:
    counts = findings["verdict"].value_counts()
    yield from _table(["verdict", "comparisons"],
                      [[verdict, str(counts.get(verdict, 0))] for verdict in evidence.VERDICTS])


def _findings(findings: pd.DataFrame) -> Iterator[str]:
    for verdict, heading in _LISTED.items():
        rows = findings[findings["verdict"] == verdict].to_dict("records")
        yield f"### {heading}"
        yield ""
        header = ["study", "what", "one place", "the other", "arithmetic", "finding"]
        yield from _table(header, [
            [row["study"], f"{row['kind']}: {row['quantity'].replace('_', ' ')}"
             + (f" ({row['concerns']})" if row["concerns"] != "n/a" else ""),
             f"{row['place_1']}: {row['stated_1']}", f"{row['place_2']}: {row['stated_2']}", row["arithmetic"],
             row["finding"]] for row in rows])
        yield ""


def _number(value: float) -> str:
    return "n/a" if pd.isna(value) else f"{value:.2f}"


def _sizes(sizes: pd.DataFrame) -> Iterator[str]:
    rows = sizes[sizes["effect_size"].notna()].to_dict("records")
    yield from _table(["result", "kind", "effect size", "95 % CI", "formula", "doubts"], [
        [row["id"], row["kind"], _number(row["effect_size"]), f"{_number(row['ci_low'])} to {_number(row['ci_high'])}",
         row["formula"], row["reason"]] for row in rows])


def _reasons(sizes: pd.DataFrame) -> Iterator[str]:
    counts = sizes[sizes["effect_size"].isna()]["reason"].value_counts()
    pairs = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    yield from _table(["why there is no effect size", "rows"], [[str(reason), str(n)] for reason, n in pairs])


def _pooled(pooled: pd.DataFrame) -> Iterator[str]:
    yield from _table(["region", "kind", "results", "samples", "mean", "95 % CI", "prediction interval", "τ²"], [
        [row["region"], row["kind"], str(row["rows"]), str(row["samples"]), _number(row["estimate"]),
         f"{_number(row['ci_low'])} to {_number(row['ci_high'])}",
         f"{_number(row['prediction_low'])} to {_number(row['prediction_high'])}", _number(row["tau2"])]
        for row in pooled.to_dict("records")])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
