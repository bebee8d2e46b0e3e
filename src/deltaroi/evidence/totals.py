"""Totals, percentages, durations and counts of the review, computed again from their parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import pandas as pd

from deltaroi.evidence.finding import (
    COMPUTED,
    CONSISTENT,
    CONTRADICTION,
    OPEN,
    Finding,
    Stated,
    judge,
    parse,
)
from deltaroi.evidence.restated import members
from deltaroi.types import NA

REVIEW = "review"
_WEEK = 7
_STEPS = ("identified", "full text", "included")


class Statements:
    """The statements table, asked for the numbers of a quantity."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._table = table

    def rows(self, quantity: str, study: str | None = None, concerns: str | None = None) -> list[dict[str, str]]:
        """The rows of a quantity as they stand."""
        table = self._table[self._table["quantity"] == quantity]
        if study is not None:
            table = table[table["study"] == study]
        if concerns is not None:
            table = table[table["concerns"] == concerns]
        return [{str(name): str(value) for name, value in row.items()} for row in table.to_dict("records")]

    def numbers(self, quantity: str, study: str | None = None,
                concerns: str | None = None) -> list[tuple[dict[str, str], Stated]]:
        """The rows of a quantity that state a number, with it."""
        found = [(row, parse(row["value"], f"{row['study']}, {quantity}, {row['place']}"))
                 for row in self.rows(quantity, study, concerns)]
        return [(row, number) for row, number in found if number is not None]

    def joined(self, quantity: str, study: str | None = None) -> list[dict[str, str]]:
        """The rows of a quantity, those with the same value as one row with all their places."""
        found: dict[tuple[str, str, str], dict[str, str]] = {}
        for row in self.rows(quantity, study):
            key = (row["study"], row["concerns"], row["value"])
            place = f"{found[key]['place']}; {row['place']}" if key in found else row["place"]
            found[key] = {**row, "place": place}
        return list(found.values())

    def studies(self) -> list[str]:
        """The studies, without the review itself."""
        return [study for study in sorted(set(self._table["study"])) if study != REVIEW]


def totals(table: pd.DataFrame) -> Iterator[Finding]:
    """Everything that can be added, divided or counted; see docs/evidence.md for the rules."""
    stated = Statements(table)
    rules: tuple[Callable[[Statements], Iterator[Finding]], ...] = (
        _groups, _participants, _weeks, _percentages, _single_sex, _durations, _practices, _ratio, _minutes, _series,
        _years_apart, _names)
    for rule in rules:
        yield from rule(stated)


def _against(row: dict[str, str], kind: str, value: float, arithmetic: str, *, where: str = COMPUTED,
             said: str = "") -> Finding:
    """A stated number against what comes out of whole numbers, exactly."""
    number = parse(row["value"], f"{row['study']}, {row['quantity']}, {row['place']}")
    verdict = OPEN if number is None else CONSISTENT if math.isclose(number.value, value) else CONTRADICTION
    text = said or ("it comes out" if verdict == CONSISTENT else f"{row['value']} is stated, {value:g} comes out")
    return Finding(row["study"], kind, row["quantity"], row["concerns"], row["place"], row["value"], where,
                   f"{value:g}", arithmetic, verdict, text if row["note"] == NA else f"{text} ({row['note']})")


def _sum(numbers: list[tuple[dict[str, str], Stated]]) -> tuple[float, str]:
    total = sum(number.value for _, number in numbers)
    return total, " + ".join(f"{number.value:g}" for _, number in numbers) + f" = {total:g}"


def _groups(stated: Statements) -> Iterator[Finding]:
    """N against the sum of the groups' n."""
    for study in stated.studies():
        total, arithmetic = _sum(stated.numbers("n_group", study))
        for row in stated.rows("n_total", study):
            yield _against(row, "sum of groups", total, arithmetic, where=f"{row['place']}, groups")


def _participants(stated: Statements) -> Iterator[Finding]:
    """The review's total against the sum of N, and of the groups' n."""
    per_study, all_groups = stated.numbers("n_total"), stated.numbers("n_group")
    by_study = [sum(n.value for row, n in all_groups if row["study"] == study) for study in stated.studies()]
    for row in stated.joined("participants_total", REVIEW):
        total, arithmetic = _sum(per_study)
        yield _against(row, "sum of N", total, arithmetic, where="Table 1, column N")
        total, arithmetic = sum(by_study), " + ".join(f"{n:g}" for n in by_study)
        yield _against(row, "sum of groups", total, f"{arithmetic} = {total:g}", where="Table 1, column n")
    for row in stated.joined("studies", REVIEW):
        yield _against(row, "count", len(stated.studies()), f"{len(stated.studies())} studies are described")


def _weeks(stated: Statements) -> Iterator[Finding]:
    """Weeks of training against the sum of their parts."""
    for study in stated.studies():
        parts = stated.numbers("training_weeks_part", study)
        total, arithmetic = _sum(parts)
        for row in stated.joined("training_weeks", study) if parts else ():
            yield _against(row, "sum of parts", total, arithmetic, where="; ".join({p["place"] for p, _ in parts}))


def _percentages(stated: Statements) -> Iterator[Finding]:
    """Percentages of men against whole people."""
    for row in stated.rows("percent_men"):
        ((_, n),) = stated.numbers("n_group", row["study"], row["concerns"])
        number = parse(row["value"], f"{row['study']}, percent_men, {row['concerns']}")
        if number is None:
            yield Finding(row["study"], "whole people", "percent_men", row["concerns"], row["place"], row["value"],
                          f"{row['place']}, n", f"{n}", "no percentage, nothing to compute", OPEN,
                          "the percentage of men of this group is not stated")
            continue
        men = round(number.value * n.value / 100)
        percent = 100 * men / n.value
        verdict = judge(number, percent, percent, percent)
        yield Finding(row["study"], "whole people", "percent_men", row["concerns"], row["place"], row["value"],
                      f"{row['place']}, n", f"{n}", f"{number} % of {n} = {number.value * n.value / 100:.2f}; "
                      f"{men}/{n} = {percent:.2f} %", verdict, f"{men} men" if verdict == CONSISTENT else
                      "no whole number of men gives this percentage")


def _single_sex(stated: Statements) -> Iterator[Finding]:
    """How many studies recruited one sex."""
    single = []
    for study in stated.studies():
        shares = {number.value for _, number in stated.numbers("percent_men", study)}
        if len(shares) == 1 and shares <= {0.0, 100.0}:
            single.append(f"{study} ({'women' if shares == {0.0} else 'men'} only)")
    for row in stated.joined("studies_single_sex", REVIEW):
        yield _against(row, "count", len(single), f"{', '.join(single)}: {len(single)}", where="Table 1, % men")


def _durations(stated: Statements) -> Iterator[Finding]:
    """The longest and the shortest training that the review names against those of the studies."""
    weeks = [(row, number) for quantity in ("training_weeks", "training_weeks_part")
             for row in stated.joined(quantity) if (number := parse(row["value"], row["place"])) is not None]
    for limit in stated.joined("training_longest_weeks", REVIEW):
        number = parse(limit["value"], limit["place"])
        if number is None:
            continue
        for row, one in weeks:
            fits = one.value <= number.value
            yield Finding(row["study"], "longest training", row["quantity"], row["concerns"], limit["place"],
                          f"at most {number} weeks", row["place"], f"{one} weeks",
                          f"{one} {'≤' if fits else '>'} {number}", CONSISTENT if fits else CONTRADICTION,
                          "not longer than the longest" if fits else "longer than what is called the longest training")
    days = [number.value for _, number in stated.numbers("training_days")]
    days += [number.value * _WEEK for _, number in weeks]
    for row in stated.joined("training_shortest_days", REVIEW):
        arithmetic = f"the shortest of {len(days)} durations is {min(days):g} day"
        yield _against(row, "shortest training", min(days), arithmetic, where="Table 1, instruction")


def _practices(stated: Statements) -> Iterator[Finding]:
    """Studies with several practices although these were excluded."""
    for limit, number in stated.numbers("practices_allowed", REVIEW):
        for row, one in stated.numbers("practices"):
            fits = one.value <= number.value
            yield Finding(row["study"], "exclusion rule", "practices", row["concerns"], limit["place"],
                          "studies with several meditation practices excluded", row["place"], f"{one} practices",
                          f"{one} {'≤' if fits else '>'} {number}", CONSISTENT if fits else CONTRADICTION,
                          f"an included study has {one} practices" + (f" ({row['note']})" if row["note"] != NA else ""))


def _ratio(stated: Statements) -> Iterator[Finding]:
    """The ratio of two groups' percentages, for each pair of places."""
    for row, ratio in stated.numbers("ratio_redistributed"):
        first, second = (part.strip() for part in row["concerns"].split("/"))
        shares = [(share, number) for share in stated.joined("percent_redistributed", row["study"])
                  if (number := parse(share["value"], share["place"])) is not None]
        for above_row, above in (pair for pair in shares if pair[0]["concerns"] == first):
            for under in (number for share, number in shares if share["concerns"] == second):
                value = above.value / under.value
                low, high = ((above.value + sign * above.half) / (under.value - sign * under.half) for sign in (-1, 1))
                verdict = judge(ratio, value, low, high)
                yield Finding(row["study"], "ratio", row["quantity"], row["concerns"], row["place"], row["value"],
                              above_row["place"], f"{above} and {under} %", f"{above}/{under} = {value:.3f} "
                              f"({low:.3f} to {high:.3f} before rounding)", verdict,
                              "the ratio fits" if verdict != CONTRADICTION else "the ratio does not fit")


def _minutes(stated: Statements) -> Iterator[Finding]:
    """Hours a day against minutes per practice times practices."""
    for minutes_row, minutes in stated.numbers("minutes_per_practice"):
        for _, practices in stated.numbers("practices", minutes_row["study"]):
            hours = minutes.value * practices.value / 60
            for row in stated.joined("hours_per_day", minutes_row["study"]):
                yield _against(row, "product", hours, f"{minutes} min × {practices} = {60 * hours:g} min",
                               where=f"{minutes_row['place']}, practices")


def _series(stated: Statements) -> Iterator[Finding]:
    """Dates in order, and fewer records at each step."""
    dates = sorted(stated.rows("date", REVIEW), key=lambda row: row["concerns"])
    records = sorted(stated.rows("records", REVIEW), key=lambda row: _STEPS.index(row["place"].split(", ")[-1]))
    for rows, sign in ((dates, "<"), (records, ">")):
        for one, other in pairwise(rows):
            fits = one["value"] < other["value"] if sign == "<" else float(one["value"]) > float(other["value"])
            yield Finding(REVIEW, "order", one["quantity"], other["concerns"], one["place"], one["value"],
                          other["place"], other["value"], f"{one['value']} {sign} {other['value']}",
                          CONSISTENT if fits else CONTRADICTION, "in order" if fits else "not in order")


def _years_apart(stated: Statements) -> Iterator[Finding]:
    """Years between two papers."""
    years = {row["study"]: float(row["value"]) for row in stated.rows("year") if row["place"] == "References"}
    for row in stated.rows("years_after_klimecki2013"):
        later, earlier = years[row["study"]], years["klimecki2013"]
        yield _against(row, "difference", later - earlier, f"{later:g} - {earlier:g} = {later - earlier:g}",
                       where="References")


def _names(stated: Statements) -> Iterator[Finding]:
    """A count against the names that are counted."""
    for row in stated.rows("databases_count", REVIEW):
        for names in stated.rows("databases", REVIEW):
            found = members(names["value"])
            yield _against(row, "count", len(found), f"{', '.join(sorted(found))}: {len(found)}", where=names["place"])
