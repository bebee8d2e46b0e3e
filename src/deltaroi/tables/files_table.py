"""The table that names the files of a dataset one by one."""

from __future__ import annotations

from deltaroi.tables.schema import Schema, columns

FILES = Schema("files", columns("""
    dataset | text! | | raw (the BIDS dataset) or derivatives (fMRIPrep's output)
    path | text! | | path within that dataset, e.g. sub-01/ses-pre/func/sub-01_ses-pre_task-x_events.tsv
    url | text! | | https://… or s3://…, or a path on this machine, relative to the table
"""), ("dataset", "path"))
"""Files that lie behind URLs, under the names that they have in a BIDS dataset."""
