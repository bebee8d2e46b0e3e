"""What comes out of measuring maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from deltaroi.io.files import write_json
from deltaroi.io.tsv import write_table
from deltaroi.measuring.options import MeasureOptions
from deltaroi.tables import EXCLUSIONS, REGIONS, RESPONSES, exclusion_frame
from deltaroi.types import Exclusion


@dataclass(frozen=True, eq=False)
class MeasureResult:
    """ROI values of maps.

    Attributes
    ----------
    responses : DataFrame
        By the schema ``RESPONSES``; one row per map and ROI, the value missing where coverage is too low.
    left_out : tuple of Exclusion
        Everything that is not in the numbers.
    regions : DataFrame
        By the schema ``REGIONS``; one row per ROI and grid.
    warnings : tuple of str
        What to know before trusting the values.
    options : MeasureOptions
        What was asked.
    transfers : mapping of str to float
        What came over the network, and how fast (:class:`deltaroi.remote.Traffic`); empty for local maps. Not written
        to a file, because it is another each time.
    """

    responses: pd.DataFrame
    left_out: tuple[Exclusion, ...]
    regions: pd.DataFrame
    warnings: tuple[str, ...]
    options: MeasureOptions
    transfers: Mapping[str, float] = field(default_factory=dict)

    @property
    def exclusions(self) -> pd.DataFrame:
        """The exclusions, by the schema ``EXCLUSIONS``."""
        return exclusion_frame(self.left_out)

    @property
    def exit_code(self) -> int:
        """0 done; 4 no value at all; 5 a map was lost to an unreadable, truncated or failing file."""
        if not self.responses["value"].notna().any():
            return 4
        return 5 if any(row.failure for row in self.left_out) else 0

    def write(self, out: Path) -> None:
        """Write ``responses.tsv``, ``exclusions.tsv``, ``regions.tsv`` and ``measure.json`` into a folder."""
        write_table(self.responses, RESPONSES, out / "responses.tsv")
        write_table(self.exclusions, EXCLUSIONS, out / "exclusions.tsv")
        write_table(self.regions, REGIONS, out / "regions.tsv")
        asked = asdict(self.options) | {
            name: None if path is None else path.name
            for name, path in (("labels", self.options.labels), ("names", self.options.names))}
        write_json(out / "measure.json", {"options": asked, "warnings": list(self.warnings)})
