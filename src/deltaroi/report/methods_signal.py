"""The methods text up to the responses: data, ROIs, first level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deltaroi.report import words
from deltaroi.report.data import Output
from deltaroi.report.independence import independence_text
from deltaroi.specs import Confounds, FirstLevel
from deltaroi.types import NA


def people(output: Output) -> dict[str, int]:
    """Subjects with at least one value, per group, in the study's order; key ``""`` with one group."""
    known = output.responses[output.responses["value"].notna()]
    if output.groups == (NA,):
        return {"": int(known["subject"].nunique())}
    return {group: int(known.loc[known["group"] == group, "subject"].nunique()) for group in output.groups}


def generators(inputs: Any) -> Iterator[tuple[str, str]]:
    """Names and versions of the programs that made the inputs, wherever ``inputs`` says so."""
    if isinstance(inputs, dict):
        lower = {str(key).lower(): value for key, value in inputs.items()}
        if isinstance(lower.get("name"), str) and isinstance(lower.get("version"), (str, int, float)):
            yield lower["name"], str(lower["version"])
        for value in inputs.values():
            yield from generators(value)
    elif isinstance(inputs, list):
        for value in inputs:
            yield from generators(value)


def data_text(output: Output) -> str:
    """Where the data come from, who is in them."""
    dataset, counts = output.study.dataset, people(output)
    total = sum(counts.values())
    if not total:
        return ""
    first = "The data are simulated; nothing here is evidence about people. " if output.run.simulated else ""
    sessions = words.listed(s for s in output.sessions if s != NA)
    shares = words.listed(f"{group}: {n}" for group, n in counts.items() if group)
    text = (f"{first}Responses of {words.plural(total, 'subject')}{f' ({shares})' if shares else ''} to the task "
            f"'{dataset.task}' were analysed from a BIDS dataset [@gorgolewski2016]")
    text += f" with the sessions {sessions}, in this order." if sessions else ", one session each."
    if dataset.maps is not None:
        return text + f" Ready-made contrast maps in {dataset.space} were measured; no first-level model was fitted."
    if output.run.simulated:
        return text + f" The images were written by a simulator in the space {dataset.space}, without preprocessing."
    made = list(dict.fromkeys(generators(output.run.inputs)))
    named = [f"{name} {version}" + (" [@esteban2019]" if "fmriprep" in name.lower() else "") for name, version in made]
    by = f" by {words.listed(named)}" if named else " (the program that did it is not recorded)"
    return text + f" The images were preprocessed{by} and read in the space {dataset.space}."


def regions_text(output: Output) -> str:
    """How the ROIs were drawn."""
    frame = output.regions
    if frame.empty:
        return ""
    sources = []
    order = dict.fromkeys(roi.region for roi in output.rois)
    for (source, version), part in frame.groupby(["source", "source_version"], sort=True):
        names = words.listed(name for name in order if name in set(part["region"]))
        sources.append(f"{names} from {source}{'' if version == NA else f' ({version})'}")
    text = f"{words.plural(len(output.rois), 'ROI was', 'ROIs were')} measured: {'; '.join(sources)}."
    rules = {"majority": "keeps voxels that are at least half filled", "fill_weight": "weights every touched voxel by "
             "the filled fraction"}
    used = [rules[rule] for rule in sorted(set(frame["rule"])) if rule in rules]
    if used:
        text += f" On the images' grid an ROI {' or '.join(used)} (as listed per ROI)."
    related = sorted(set(frame["space_relation"]) - {"same", NA})
    if related:
        text += f" Some ROIs come from another space; the relation is given as {words.listed(related)}."
    return text + independence_text(output)


def first_level_text(output: Output) -> str:
    """The model of one run."""
    if output.study.dataset.maps is not None or output.responses.empty:
        return ""
    spec = output.study.first_level
    models = {"ar1": "first-order autoregressive noise", "ols": "ordinary least squares"}
    text = (f"Each run was fitted with nilearn's general linear model [@abraham2014] with {models[spec.noise]}, at the "
            f"ROIs' voxels only. Events were convolved with the {hrf_words(spec)} haemodynamic response")
    text += f" at {spec.oversampling} samples per volume."
    text += " Images were not smoothed." if spec.smoothing_fwhm_mm == 0 else \
        f" Images were smoothed with a Gaussian kernel of {spec.smoothing_fwhm_mm:g} mm full width at half maximum."
    reference = ("taken from the preprocessing's sidecar" if spec.slice_time_ref == "auto"
                 else f"{spec.slice_time_ref:g} of the repetition time")
    return f"{text} The slice-time reference was {reference}. {drift_text(spec)} {confounds_text(spec.confounds)}"


def hrf_words(spec: FirstLevel) -> str:
    """The response function in words, with its source."""
    if spec.hrf == "fir":
        return f"finite impulse ({len(spec.fir_delays)} delays)"
    name = spec.hrf.replace("spm", "SPM canonical").replace("glover", "Glover")
    return name + (" [@glover1999]" if "Glover" in name else "")


def drift_text(spec: FirstLevel) -> str:
    """How slow drift was modelled."""
    if spec.confounds.acompcor > 0:
        return "Drift was modelled by fMRIPrep's cosine regressors."
    if spec.drift == "cosine":
        return f"Drift was modelled by cosines (high-pass cut-off {spec.high_pass_hz:g} Hz)."
    if spec.drift == "polynomial":
        return f"Drift was modelled by a polynomial of order {spec.drift_order}."
    return "Drift was not modelled."


def confounds_text(spec: Confounds) -> str:
    """Which confounds entered the model."""
    parts = []
    if spec.motion:
        kinds = {6: "", 12: " with derivatives", 24: " with derivatives and squares [@satterthwaite2013]"}
        parts.append(f"{spec.motion} head-motion columns{kinds[spec.motion]}")
    if spec.acompcor:
        parts.append(f"{words.plural(spec.acompcor, 'anatomical CompCor component')} [@behzadi2007]")
    if spec.global_signal:
        parts.append("the global signal")
    rules = []
    if spec.scrub_fd_mm is not None:
        rules.append(f"framewise displacement over {spec.scrub_fd_mm:g} mm [@power2014]")
    if spec.scrub_dvars is not None:
        rules.append(f"standardised DVARS over {spec.scrub_dvars:g}")
    if spec.non_steady_state:
        rules.append("non-steady-state volumes")
    text = f"Confounds: {words.listed(parts)}." if parts else "No confound columns entered the model."
    return text + (f" Volumes were censored for {words.listed(rules)}, one column each." if rules
                   else " No volume was censored.")


def responses_text(output: Output) -> str:
    """From runs to one value per subject, session, ROI and contrast."""
    if output.responses.empty:
        return ""
    study = output.study
    units = words.listed(words.long_unit(u) for u in sorted(set(output.responses["unit"])))
    contrasts = "; ".join(f"{name} = {expression}" for name, expression in study.contrasts.items()
                          if name in output.contrasts)
    summaries = words.listed(s.replace("_", " ") for s in sorted(set(output.responses["summary"])))
    of = "" if study.dataset.maps is None else " (sums of the maps of one session, voxel by voxel)"
    text = f"Contrasts{of}: {contrasts}. An ROI's response is the {summaries} over its used voxels, in {units}."
    if "partial_volume" in set(output.responses["summary"]):
        text += (" For partial volume, voxel values were regressed on the fraction w of the voxel that the ROI fills "
                 "and on 1 − w; the value is the response at w = 1 [@asllani2008].")
    if study.dataset.maps is None:
        text += " Runs of one session were combined with equal weights; sessions were never pooled."
        if study.first_level.scaling == "percent":
            text += (" Percent signal change is 100 × Σ c β h over the voxel's mean, with h the peak of the response "
                     "to one event of median duration, in units of the regressor.")
    outside = "the brain mask" if study.dataset.maps is None else "a map (not a number, or exactly 0)"
    return text + (f" Voxels outside {outside} were not used; an ROI with coverage below "
                   f"{study.regions.minimum_coverage:g} has no value.")
