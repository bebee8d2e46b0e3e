"""The simulated people: group, sex, age, scores; drawn from the published design where there is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.simulator.draws import generator
from deltaroi.specs import DesignGroup, Score, Simulation
from deltaroi.types import NA

_DEFAULT = {"training": 10, "control": 10}
_YOUNGEST, _OLDEST = 18, 80
_DECIMALS = 3


@dataclass(frozen=True)
class Person:
    """One simulated person; ``flipped``: whether the images store the right side first."""

    label: str
    group: str
    flipped: bool


def group_sizes(study: Study, simulation: Simulation) -> dict[str, int]:
    """Group label -> number of simulated people: as given, else as published, else ten and ten."""
    if simulation.subjects is not None:
        return dict(simulation.subjects)
    if study.design is not None:
        stated = {label: group.n for label, group in study.design.groups.items() if group.n is not None}
        wanted = study.groups.levels if study.groups is not None else list(stated)
        return {label: stated[label] for label in wanted if label in stated}
    return dict(_DEFAULT)


def make_people(sizes: Mapping[str, int]) -> list[Person]:
    """Everybody, group by group."""
    return [Person(f"{g + 1}{n + 1:03d}", group, n % 2 == 1)
            for g, (group, count) in enumerate(sizes.items()) for n in range(count)]


def check_scores(simulation: Simulation, sizes: Mapping[str, int], taken: Iterable[str]) -> None:
    """Refuse scores of groups that are not simulated, or under a name that another column has.

    Raises
    ------
    StudyError
        One of these.
    """
    for name, score in simulation.scores.items():
        where = f"simulation.scores.{name}"
        if name in set(taken):
            raise StudyError("participants.tsv has a column of this name already", where=where, hint="rename the score")
        named = [*(score.groups or ()), *(score.mean if isinstance(score.mean, dict) else ())]
        for group in named:
            if group not in sizes:
                raise StudyError(f"the group '{group}' does not exist in the simulated data", where=where,
                                 hint=f"known: {', '.join(sizes)}")
        having = score.groups or list(sizes)
        lacking = [group for group in having if isinstance(score.mean, dict) and group not in score.mean]
        if lacking:
            raise StudyError(f"mean lacks the group '{lacking[0]}'", where=where,
                             hint="name every group that has the score, or list those that do in `groups`")


def draw_scores(simulation: Simulation, people: Iterable[Person]) -> dict[str, dict[str, float]]:
    """Score -> label of a person -> value; people without a score are absent.

    Notes
    -----
    value = mean of the group + SD · z, rounded to three decimals; z is standard normal, drawn from the names alone, and
    for a score that follows another z = ρ · z(other) + √(1 − ρ²) · own.
    """
    found: dict[str, dict[str, float]] = {}
    deviates: dict[tuple[str, str], float] = {}
    for name, score in simulation.scores.items():
        for person in people:
            own = float(generator(simulation.seed, "score", name, person.label).standard_normal())
            if score.follows is not None and score.correlation is not None:
                rho = score.correlation
                own = rho * deviates[score.follows, person.label] + (1.0 - rho**2) ** 0.5 * own
            deviates[name, person.label] = own
            if score.groups is None or person.group in score.groups:
                found.setdefault(name, {})[person.label] = round(mean_of(score, person.group) + score.sd * own,
                                                                 _DECIMALS)
    return found


def mean_of(score: Score, group: str) -> float:
    """The mean of a score in a group."""
    return score.mean[group] if isinstance(score.mean, dict) else score.mean


def share(simulation: Simulation, scores: Mapping[str, Mapping[str, float]], per_sd_of: str | None, person: str,
          group: str) -> float:
    """How much of a planted signal a person shows: all of it, or as many times as the score is SDs above its mean."""
    if per_sd_of is None:
        return 1.0
    value, score = scores.get(per_sd_of, {}).get(person), simulation.scores[per_sd_of]
    return 0.0 if value is None else (value - mean_of(score, group)) / score.sd


def participants(study: Study, simulation: Simulation, people: list[Person], everybody: list[Person],
                 scores: Mapping[str, Mapping[str, float]]) -> tuple[pd.DataFrame, dict[str, dict[str, object]]]:
    """``participants.tsv`` and what its columns are.

    Parameters
    ----------
    study, simulation : Study, Simulation
        What is asked for.
    people, everybody : list of Person
        Who gets a row, and who there would be: the sexes of a group are dealt out to all of it.
    scores : mapping
        From :func:`draw_scores`.
    """
    seed, column = simulation.seed, study.groups.column if study.groups else "group"
    own = ("participant_id", "age", "sex", column, *simulation.scores)
    covariates = [name for name in (study.groups.covariates if study.groups else []) if name not in own]
    strata = [name for name in [study.groups.strata if study.groups else None] if name is not None and name not in own]
    published = study.design.groups if study.design is not None else {}
    sexes = _sexes(everybody, published, seed)
    rows = []
    for person in people:
        subject = person.label
        cells = {"participant_id": f"sub-{subject}", column: person.group}
        cells |= _age_and_sex(subject, published.get(person.group), seed) | sexes.get(subject, {})
        cells |= {name: f"{generator(seed, 'covariate', name, subject).standard_normal():.4f}" for name in covariates}
        cells |= {name: str(generator(seed, "stratum", name, subject).choice(["a", "b"])) for name in strata}
        cells |= {name: f"{scores[name][subject]:g}" if subject in scores.get(name, {}) else NA
                  for name in simulation.scores}
        rows.append(cells)
    levels = dict.fromkeys(person.group for person in everybody)
    about: dict[str, dict[str, object]] = {
        column: {"Description": "Group of the simulated participant", "Levels": {g: g for g in levels}},
        "age": {"Description": "Age of the simulated participant", "Units": "year"},
        "sex": {"Description": "Sex of the simulated participant", "Levels": {"F": "female", "M": "male"}}}
    about |= {name: {"Description": "Random number, unrelated to anything"} for name in covariates}
    about |= {name: {"Description": "Random stratum, unrelated to anything", "Levels": {"a": "a", "b": "b"}}
              for name in strata}
    about |= {name: {"Description": "Simulated score"} for name in simulation.scores}
    return pd.DataFrame(rows), about


def _age_and_sex(subject: str, group: DesignGroup | None, seed: int) -> dict[str, str]:
    """Age (years) and sex: from the published mean and SD, else 20 to 44 and either."""
    rng = generator(seed, "person", subject)
    age, sex = int(rng.integers(20, 45)), str(rng.choice(["F", "M"]))
    if group is not None and group.age_mean is not None and group.age_sd is not None:
        age = _age(subject, group.age_mean, group.age_sd, seed)
    return {"age": str(age), "sex": sex}


def _age(subject: str, mean: float, sd: float, seed: int) -> int:
    """An age: 18 years and a gamma variate, which has this mean and SD and nobody below 18; above 80 drawn again."""
    rng = generator(seed, "age", subject)
    excess = mean - _YOUNGEST
    while True:
        age = _YOUNGEST + float(rng.gamma((excess / sd) ** 2, sd**2 / excess))
        if age <= _OLDEST:
            return round(age)


def _sexes(people: list[Person], published: Mapping[str, DesignGroup], seed: int) -> dict[str, dict[str, str]]:
    """Sexes of the groups whose share of men is published: exactly that share, rounded, dealt out at random."""
    found = {}
    for group, stated in published.items():
        if stated.male_percent is None:
            continue
        mine = [person.label for person in people if person.group == group]
        men = int(len(mine) * stated.male_percent / 100.0 + 0.5)
        order = generator(seed, "sexes", group).permutation(len(mine))
        found.update({mine[i]: {"sex": "M" if place < men else "F"} for place, i in enumerate(order.tolist())})
    return found
