"""The BIDS-App form and addresses of remote data."""

from __future__ import annotations

from pathlib import Path

import pytest

from deltaroi.errors import UsageError
from deltaroi.pipeline.app import AppOptions, placed


@pytest.mark.parametrize(("bids_dir", "derivatives"), [("s3://bucket/ds", None), (".", "https://host/fmriprep")])
def test_addresses_are_refused_by_name(bids_dir: str, derivatives: str | None) -> None:
    with pytest.raises(UsageError, match="takes folders of this machine"):
        placed(bids_dir, AppOptions(study=Path("none.yaml"), derivatives=derivatives))
