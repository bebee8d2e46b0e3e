"""The methods text of associations and reliability."""

from __future__ import annotations

from deltaroi.report import words
from deltaroi.report.associations import outcome, terms
from deltaroi.report.data import Output, beside
from deltaroi.tables import ASSOCIATIONS, RELIABILITY, SLOPES


def associations_text(output: Output) -> str:
    """The associations that were tested."""
    table = beside(output, ASSOCIATIONS)
    parts = [_one(output, name, str(part["adjusted_for"].iloc[0]))
             for name, part in table.groupby("association", sort=False) for name in [str(name)]
             if name in output.study.associations]
    if not parts:
        return ""
    text = " ".join(parts)
    effects = output.effects[output.effects["model"] == "association"]
    slopes = beside(output, SLOPES)
    leading = [words.ERRORS.get(kind, kind) for kind in sorted(set(slopes.loc[slopes["leading"], "se_kind"]))]
    text += f" Standard errors of slopes: {words.listed(leading)}."
    if effects["p_fwe"].notna().any():
        text += " Family-wise p values of slopes and of their differences come from max-T over the ROIs, the score " \
                "(or its products with groups) being tested and all else kept [@freedman1983;winkler2014]."
    text += (" Beside the slope stand Pearson's, the partial and Spearman's correlation with Fisher's intervals, "
             "BCa bootstrap intervals, a robust slope by MM regression [@yohai1987] and Bayes factors of a correlation "
             "for three prior widths [@ly2016].")
    if (slopes["what"] == "johnson_neyman").any():
        text += " Scores at which groups differ were looked for [@johnson1936] where both groups have scores."
    return text


def _one(output: Output, name: str, adjusted: str) -> str:
    spec = output.study.associations[name]
    who = "" if spec.groups == "all" else f", in {words.listed(spec.groups)} only"
    given = "" if adjusted == "n/a" else f", adjusted for {adjusted}"
    compared = " Groups were compared in their slopes by the interaction of score and group." \
        if (output.effects["term"] == terms(name)[1]).any() else ""
    return f"The {outcome(output, name)} was regressed on '{spec.score}' ({name}{who}){given}.{compared}"


def reliability_text(output: Output) -> str:
    """The reliabilities that were estimated."""
    frame = beside(output, RELIABILITY)
    known = frame[frame["value"].notna()] if len(frame) else frame
    if known.empty:
        return ""
    text = "Reliability across sessions: ICC(3,1) [@shrout1979]."
    if (known["measure"] == "split_half").any():
        text += " Within a session, and of the change: odd against even runs, by Spearman and Brown's formula."
    return text
