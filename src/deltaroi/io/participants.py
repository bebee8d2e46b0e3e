"""The participants table of a BIDS dataset."""

from __future__ import annotations

import difflib

import pandas as pd

from deltaroi.errors import DataError
from deltaroi.io.places import Place, top_file
from deltaroi.io.tsv import read_tsv
from deltaroi.types import NA, Exclusion

ID = "participant_id"


def read_participants(bids_dir: Place) -> tuple[pd.DataFrame, tuple[Exclusion, ...], tuple[str, ...]]:
    """Read ``participants.tsv``.

    Parameters
    ----------
    bids_dir : Path or RemoteDataset
        The dataset.

    Returns
    -------
    table : DataFrame
        Text cells; ``participant_id`` without ``sub-``; one row per person. Only that column when there is no file.
    exclusions : tuple of Exclusion
        People with two rows that differ; they are not in the table.
    warnings : tuple of str
        What else to know.

    Raises
    ------
    DataError
        The table cannot be read, or has no column ``participant_id``.
    """
    path = top_file(bids_dir, "participants.tsv")
    if path is None:
        return pd.DataFrame({ID: pd.Series(dtype="str")}), (), ("there is no participants.tsv",)
    table = read_tsv(path)
    if ID not in table.columns:
        close = difflib.get_close_matches(ID, [str(c).lower() for c in table.columns], n=1)
        named = next((str(c) for c in table.columns if close and str(c).lower() == close[0]), None)
        raise DataError(f"there is no column '{ID}'; the columns are {', '.join(map(str, table.columns))}",
                        where=str(path), hint=f"rename '{named}' to '{ID}'" if named else f"add the column '{ID}'")
    table = table.assign(**{ID: table[ID].str.removeprefix("sub-").astype("str")})
    nameless = table[ID] == NA
    warnings = [f"participants.tsv: {int(nameless.sum())} row(s) without {ID}"] if nameless.any() else []
    table = table[~nameless]
    same = table.duplicated()
    if same.any():
        warnings.append(f"participants.tsv: {int(same.sum())} row(s) stand twice, word for word; one of them is used")
    table = table[~same]
    differing = table.duplicated(ID, keep=False)
    twice = sorted(set(table.loc[differing, ID]))
    gone = tuple(Exclusion("inputs", subject, reason="has several rows in participants.tsv that differ: keep one",
                           value=f"{int((table[ID] == subject).sum())} rows") for subject in twice)
    return table[~differing].reset_index(drop=True), gone, tuple(warnings)
