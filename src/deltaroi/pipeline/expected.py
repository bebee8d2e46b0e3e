"""Names in the contrasts and conditions of a study, held against the events of all its runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from deltaroi.config.expression import parse_contrast
from deltaroi.config.study import Study
from deltaroi.errors import StudyError, did_you_mean
from deltaroi.pipeline.preflight import Preflight


def check_names(study: Study, checked: Sequence[Preflight], places: Mapping[str, str] | None = None) -> None:
    """Refuse a contrast that names a condition which no run has.

    Parameters
    ----------
    study : Study
        The study.
    checked : sequence of Preflight
        Its runs.
    places : mapping of str to str, optional
        Contrast -> its key path, for messages; default ``contrasts.<name>``.

    Raises
    ------
    StudyError
        A name is neither a declared condition nor a ``trial_type`` of any run, or a declared condition that a contrast
        names chooses no event in any run.
    """
    read = [one for one in checked if one.conditions is not None]
    if not read:
        return
    present = Counter(name for one in read for name in one.conditions or ())
    types = Counter(name for one in read for name in one.trial_types)
    known = [*study.conditions, *types]
    for contrast, text in study.contrasts.items():
        where = (places or {}).get(contrast, f"contrasts.{contrast}")
        for name in parse_contrast(text, where):
            if name in study.conditions and name not in present:
                raise StudyError(f"the condition '{name}' chooses no event in any of {len(read)} runs",
                                 where=f"conditions.{name}", hint="check the columns and values of its `where`")
            if name not in study.conditions and name not in types:
                raise StudyError(f"no events file has the trial_type '{name}', and no condition has this name; there "
                                 f"are {', '.join(sorted(known)) or 'none'}", where=where,
                                 hint=did_you_mean(name, known) or "name one of these")
