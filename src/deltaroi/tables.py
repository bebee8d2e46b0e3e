"""The declared tables: columns, units, keys; checked on write and on read.

A table is a plain :class:`pandas.DataFrame`; the schema is beside it, not inside it. In memory as on disk a missing
text is the string ``n/a`` (so that no ``groupby`` loses a row); a missing number is NaN in memory and ``n/a`` on disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from deltaroi.errors import TableError
from deltaroi.types import NA, Exclusion

Kind = Literal["text", "number", "count", "flag"]


@dataclass(frozen=True)
class Column:
    """One column: ``number`` is float64 with NaN for missing, ``count`` int64 (float64 when any is missing)."""

    name: str
    kind: Kind
    description: str
    unit: str = ""
    missing: bool = True


@dataclass(frozen=True)
class Schema:
    """One table: its columns in order and the columns that name a row uniquely."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    def sidecar(self) -> dict[str, dict[str, str]]:
        """The BIDS JSON sidecar: description and unit per column."""
        return {
            c.name: {"Description": c.description, **({"Units": c.unit} if c.unit else {})} for c in self.columns
        }


def conform(frame: pd.DataFrame, schema: Schema, where: str = "") -> pd.DataFrame:
    """Check a table against its schema and return it in canonical form.

    Parameters
    ----------
    frame : DataFrame
        Has every declared column and no other.
    schema : Schema
        The declaration.
    where : str
        File or stage, for messages.

    Returns
    -------
    DataFrame
        Columns in declared order with declared types, rows sorted by key, fresh index.

    Raises
    ------
    TableError
        A missing or unknown column, a value of the wrong kind, a missing value where none may be, a repeated key.
    """
    place = where or schema.name
    lacking = [name for name in schema.names if name not in frame.columns]
    extra = [str(name) for name in frame.columns if name not in schema.names]
    if lacking or extra:
        raise TableError(f"missing columns {lacking}, unknown columns {extra}", where=place,
                         hint=f"the table '{schema.name}' has the columns {' '.join(schema.names)}")
    out = pd.DataFrame({c.name: _typed(frame[c.name], c, place) for c in schema.columns})
    out = out.sort_values(list(schema.key), kind="stable", na_position="last", ignore_index=True)
    repeated = out.duplicated(list(schema.key))
    if repeated.any():
        row = out.loc[repeated, list(schema.key)].iloc[0].to_dict()
        raise TableError(f"two rows have the same key {row}", where=place,
                         hint=f"a row of '{schema.name}' is named by {', '.join(schema.key)}")
    return out


def _typed(series: pd.Series, column: Column, place: str) -> pd.Series:
    """One column in its declared type."""
    out: pd.Series
    if column.kind == "text":
        out = pd.Series([NA if pd.isna(v) else str(v) for v in series], index=series.index, dtype="str")
    elif column.kind == "flag":
        bad = [v for v in series if not isinstance(v, (bool, np.bool_))]
        if bad:
            raise TableError(f"column '{column.name}' holds {bad[0]!r}, not true or false", where=place)
        out = series.astype(bool)
    else:
        try:
            out = pd.to_numeric(series).astype(np.float64)
        except (ValueError, TypeError) as error:
            raise TableError(f"column '{column.name}' is not numeric: {error}", where=place) from error
        if column.kind == "count" and out.notna().all():
            out = out.astype(np.int64)
    absent = out == NA if column.kind == "text" else out.isna()
    if not column.missing and absent.any():
        row = int(np.flatnonzero(absent)[0])
        raise TableError(f"column '{column.name}' is missing in row {row}", where=place)
    return out


def _columns(text: str) -> tuple[Column, ...]:
    """Read a declaration block: ``name | kind[!] | unit | description`` per line; ``!`` forbids missing."""
    columns = []
    for line in text.strip().splitlines():
        name, kind, unit, description = (part.strip() for part in line.split("|"))
        required = kind.endswith("!")
        columns.append(Column(name, kind.rstrip("!"), description, unit, missing=not required))  # type: ignore[arg-type]
    return tuple(columns)


RESPONSES = Schema("responses", _columns("""
    specification | text! | | name of the analysis specification; main without a multiverse
    subject | text! | | BIDS subject label
    session | text | | BIDS session label; n/a in a study without sessions
    task | text | | BIDS task label; n/a for ready-made maps without one
    region | text! | | region name
    hemisphere | text! | | L, R or B (both as one ROI)
    definition | text! | | how the region was drawn
    contrast | text! | | name of the contrast in the study file
    summary | text! | | how voxels became one value
    group | text | | group of the subject; n/a with one group
    value | number | see unit | the response: the ROI summary of the contrast
    unit | text! | | unit of value
    variance | number | unit squared | variance of the response from the same GLM on the ROI's mean time series
    dof | number | | error degrees of freedom, summed over runs
    n_runs | count | | runs that contribute; n/a for ready-made maps
    n_voxels | count! | | voxels of the ROI on this grid
    n_voxels_used | count! | | voxels that are inside every contributing run's mask and not constant
    n_voxels_effective | number | | sum of the ROI weights over used voxels
    coverage | number | | weight of used voxels over weight of all voxels of the ROI
    tsnr | number | | median over used voxels of mean over residual SD, averaged over runs
    mean_fd_mm | number | mm | mean framewise displacement over runs
    censored_fraction | number | | censored volumes over all volumes of the contributing runs
"""), ("specification", "subject", "session", "task", "region", "hemisphere", "definition", "contrast", "summary"))

EFFECTS = Schema("effects", _columns("""
    specification | text! | | name of the analysis specification
    contrast | text! | | name of the contrast
    summary | text! | | how voxels became one value
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | how the region was drawn
    model | text! | | ancova, change, mixed_anova, lmm, paired, two_sample or one_sample
    term | text! | | the tested term
    comparison | text! | | what is compared with what, e.g. A-B with post-pre
    se_kind | text! | | hc3, welch, classical or satterthwaite
    primary | flag! | | true for the one row per ROI and contrast that answers the study's question
    n | count! | | subjects in the fit
    n_first | count | | subjects of the first-listed group
    n_second | count | | subjects of the second-listed group
    estimate | number | see unit | the effect
    unit | text! | | unit of the estimate
    se | number | see unit | standard error of the estimate
    df | number | | error degrees of freedom
    statistic | number | | value of the statistic
    statistic_kind | text! | | t or F
    p | number | | two-sided p value
    ci_low | number | see unit | lower end of the 95 % confidence interval
    ci_high | number | see unit | upper end of the 95 % confidence interval
    p_fwe | number | | p by max-T permutation over the family
    p_holm | number | | p by Holm's method over the family
    q_fdr | number | | q by Benjamini and Hochberg's method over the family
    family | text | | name of the family of ROIs
    family_size | count | | number of tests in the family
    effect_size | number | | standardised effect size
    effect_size_kind | text | | d_ppc2, d_av, d_rm, d_z, g or partial_eta2
    es_ci_low | number | | lower end of the effect size's confidence interval
    es_ci_high | number | | upper end of the effect size's confidence interval
    bf10 | number | | JZS Bayes factor for the alternative
    equivalence_bound | number | see unit | bound of the equivalence test
    p_equivalence | number | | p of the two one-sided tests
    loo_min | number | see unit | smallest estimate when one subject is left out
    loo_max | number | see unit | largest estimate when one subject is left out
    mde_80 | number | see unit | smallest effect detectable with 80 % power at this standard error
    reading | text! | | one plain sentence
"""), ("specification", "contrast", "summary", "region", "hemisphere", "definition", "model", "term", "comparison",
       "se_kind"))

EXCLUSIONS = Schema("exclusions", _columns("""
    stage | text! | | where it happened: inputs, masks, first-level, responses or effects
    subject | text | | BIDS subject label
    session | text | | BIDS session label
    run | text | | BIDS run label
    region | text | | region, ROI or contrast concerned
    reason | text! | | why it is not in the numbers
    value | text | | what was found
    threshold | text | | what was asked for
"""), ("stage", "subject", "session", "run", "region", "reason", "value", "threshold"))

REGIONS = Schema("regions", _columns("""
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | how the region was drawn
    grid | text! | | shape and voxel size of the grid, e.g. 65x77x65 3x3x3 mm
    grid_digest | text! | | short hash of shape, affine and space
    space | text! | | template space of the grid
    rule | text! | | majority or fill_weight
    n_voxels | count! | | voxels on the grid
    n_voxels_effective | number! | | sum of voxel weights
    volume_mm3 | number! | mm3 | sum of voxel weights times voxel volume
    x_mm | number | mm | weighted centre of mass
    y_mm | number | mm | weighted centre of mass
    z_mm | number | mm | weighted centre of mass
    source | text! | | where the region comes from
    source_version | text | | version of the source
    source_space | text! | | template space of the source
    licence | text! | | licence of the source
    citation | text! | | what to cite
    sha256 | text | | hash of the source image; n/a for spheres
    native_volume_mm3 | number! | mm3 | volume in the source
    space_relation | text! | | same, compatible, override or not stated
    warning | text | | what to know before trusting this ROI
"""), ("region", "hemisphere", "definition", "grid_digest"))

QUALITY = Schema("quality", _columns("""
    measure | text! | | coverage or tsnr
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | how the region was drawn
    term | text! | | group_x_session, session or group
    n | count! | | subjects in the test
    estimate | number | | difference of differences (first group minus second, last session minus first)
    df | number | | degrees of freedom
    statistic | number | | t
    p | number | | two-sided p value
"""), ("measure", "region", "hemisphere", "definition", "term"))

TRUTH = Schema("truth", _columns("""
    subject | text! | | BIDS subject label
    session | text | | BIDS session label
    group | text | | group of the subject
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | definition whose shape carried the signal
    condition | text! | | condition of the events
    percent | number! | % | planted peak height of one event's response, over the voxel's mean
"""), ("subject", "session", "region", "hemisphere", "definition", "condition"))

SCHEMAS = {s.name: s for s in (RESPONSES, EFFECTS, EXCLUSIONS, REGIONS, QUALITY, TRUTH)}


def columns_hint(columns: Iterable[str]) -> str:
    """What to say of a table that lacks a column: which it has, or what is wrong with its form."""
    names = [str(name) for name in columns]
    if any(name.startswith('"') for name in names):
        return f"its columns are {', '.join(names)}; write the table without quotes (in R: quote = FALSE)"
    if len(names) == 1:
        for sign, word in ((",", "commas"), (";", "semicolons"), (" ", "spaces")):
            if sign in names[0]:
                return f"its header, {names[0]!r}, is one cell separated by {word}; save the table separated by tabs"
    return f"its columns are {', '.join(names)}"


def exclusion_frame(rows: Iterable[Exclusion]) -> pd.DataFrame:
    """The exclusions table of a set of exclusions, each once, in key order."""
    unique = sorted(set(rows))
    data = {name: [getattr(row, name) for row in unique] for name in EXCLUSIONS.names}
    frame = pd.DataFrame(data, columns=EXCLUSIONS.names)
    return conform(frame.drop_duplicates(ignore_index=True), EXCLUSIONS)


def exclusion_rows(frame: pd.DataFrame) -> tuple[Exclusion, ...]:
    """The exclusions of a table, the other way round."""
    return tuple(Exclusion(stage=row["stage"], subject=row["subject"], session=row["session"], run=row["run"],
                           region=row["region"], reason=row["reason"], value=row["value"], threshold=row["threshold"])
                 for row in frame.to_dict("records"))
