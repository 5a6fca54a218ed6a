"""What came of a test of a claim: effects with intervals and p-values, in numbers and in words."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from math import isfinite, nan

import numpy as np

from perturber.errors import InvalidInputError
from perturber.experiments.claims import Case, Claim, units
from perturber.experiments.paired import CONFIDENCE, FEWEST, FLIPS, RESAMPLES, effect, holm

EXTREMES = 3
"""Pairs with the largest effect, and with the smallest, that are shown."""

UNITS = {"probability": "points", "correct": "points", "logit": "logits", "margin": "logits"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A mean difference B − A.

    Attributes:
        models: one network; or two, for its effect less the other one's.
        group: label of the object that it is over; "" for all pairs.
        mean, low, high: with the ends of the bootstrap interval, which are NaN where too few units were there.
        p: of the sign-flip test; NaN as above.
        holm: p corrected for the number of networks, or of differences between networks; NaN for single objects.
        pairs, units: how many.
        unit: what counts as independent.
    """

    models: tuple[str, ...]
    group: str = ""
    mean: float
    low: float = nan
    high: float = nan
    p: float = nan
    holm: float = nan
    pairs: int
    units: int
    unit: str

    @property
    def sign(self) -> int:
        """Direction, 0 where the interval holds 0 or there is none."""
        return int(self.low > 0) - int(self.high < 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """A claim that was tested.

    Attributes:
        models: networks (M).
        labels: network → as a person calls it.
        fingerprints: of the networks.
        wanted: what the class, or the classes, are called.
        cases: pairs (N) whose pictures could be read.
        values: (N, M, 2) of A and of B.
        tops: (N, M, 2) names of the most probable classes.
        rows: over all pairs, by network, then differences between networks, then the same for each object.
        computed: pairs that were looked at now; the others were kept from earlier tests.
        notes: a sentence each.
        version: of Perturber.
    """

    claim: Claim
    models: tuple[str, ...]
    labels: Mapping[str, str]
    fingerprints: tuple[str, ...]
    wanted: str
    cases: tuple[Case, ...] = field(repr=False)
    values: np.ndarray = field(repr=False)
    tops: np.ndarray = field(repr=False)
    rows: tuple[Row, ...]
    computed: int
    notes: tuple[str, ...]
    version: str

    def row(self, *models: str, group: str = "") -> Row:
        """The effect of a network, or the difference of two, over all pairs or over an object."""
        return next(row for row in self.rows if (row.models, row.group) == (models, group))

    @property
    def unit(self) -> str:
        """Of what is measured."""
        return UNITS[self.claim.kind]

    @property
    def sentence(self) -> str:
        """The effects in words."""
        return sentence(self.claim, [self.row(model) for model in self.models], self.labels)

    @property
    def about(self) -> str:
        """What the sentence's numbers are."""
        first = self.row(self.models[0])
        measured = {
            "probability": f"Points are percentage points of the probability of {self.wanted}",
            "correct": f"Points are percentage points of pictures whose most probable class is {self.wanted}",
            "logit": f"Logits are those of {self.wanted}",
            "margin": f"Logits are those of {self.wanted}, less the largest of all other classes",
        }[self.claim.kind]
        return (
            f"{measured}. Means over {first.pairs:,} pairs that share all but what differs between A and B, with "
            f"{CONFIDENCE:.0%} bootstrap intervals over {first.units:,} {first.unit}.".replace("%", " %", 1)
        )

    @property
    def independence(self) -> str:
        """What counts as independent, and so what the test speaks of."""
        first = self.row(self.models[0])
        means = {
            "pictures": "It speaks of pictures like these.",
            "pictures with a seed": "There are few pictures, so it speaks of other seeds on these alone.",
            "objects": "All pairs of one object are drawn and flipped together; it speaks of such objects.",
            "objects before a background": "All views of one object before one background are drawn and flipped "
            "together, as they look alike; it speaks of such objects before such backgrounds.",
            "views": "There are few objects and backgrounds, so it speaks of other views of these alone.",
            "views with a seed": "There are few views, so it speaks of other seeds on these alone.",
        }[first.unit]
        return f"What counts as independent are {first.units:,} {first.unit}. {means}"

    def extremes(self, model: str) -> tuple[list[int], list[int]]:
        """Places of the pairs with the largest effect of a network, in its direction, and with the smallest."""
        column = self.models.index(model)
        change = self.values[:, column, 1] - self.values[:, column, 0]
        order = np.argsort(-change if change.mean() >= 0 else change, kind="stable").tolist()
        count = min(EXTREMES, len(order) // 2)
        return order[:count], order[len(order) - count :][::-1]

    def table(self) -> tuple[list[str], list[list[object]]]:
        """Head and rows of all pairs: what they share, then each network's values and classes of A and of B."""
        shared = ("yaw", "pitch", "distance")
        head = ["object", "background", "view", "seed", "file", *shared]
        head += [f"{self.labels[m]}: {what}" for m in self.models for what in ("A", "B", "class of A", "class of B")]
        rows = list[list[object]]()
        for case, values, tops in zip(self.cases, self.values.tolist(), self.tops.tolist(), strict=True):
            place = [getattr(case.a, key) for key in shared]
            file = None if case.file is None else case.file.name
            rows.append([case.thing.label, case.background, case.view + 1, case.seed, file, *place])
            for (a, b), classes in zip(values, tops, strict=True):
                rows[-1] += [a if isfinite(a) else None, b if isfinite(b) else None, *classes]
        return head, rows

    def csv(self) -> str:
        """The pairs as CSV; what is not known is left empty."""
        head, rows = self.table()
        file = io.StringIO()
        csv.writer(file).writerows([head, *rows])
        return file.getvalue()

    def summary(self) -> dict[str, object]:
        """All but the pairs, as JSON has it."""
        claim = self.claim
        return {
            "sentence": self.sentence,
            "about": self.about,
            "independence": self.independence,
            "notes": list(self.notes),
            "a": claim.a.as_dict(),
            "b": claim.b.as_dict(),
            "differs": list(claim.keys),
            "measure": claim.kind,
            "classes": self.wanted,
            "unit": self.unit,
            "objects": [str(thing) for thing in claim.over],
            "backgrounds": list(claim.before),
            "views": claim.views,
            "camera": dict(claim.camera),
            "seeds": list(claim.seeds),
            "pictures": claim.pictures,
            "seed": claim.seed,
            "resamples": RESAMPLES,
            "flips": FLIPS,
            "networks": [
                {"name": name, "label": self.labels[name], "fingerprint": mark}
                for name, mark in zip(self.models, self.fingerprints, strict=True)
            ],
            "version": self.version,
            "rows": [{key: _finite(value) for key, value in asdict(row).items()} for row in self.rows],
        }

    def json(self) -> str:
        """The `summary` with the pairs, by column."""
        head, rows = self.table()
        pairs = {name: list(column) for name, column in zip(head, zip(*rows, strict=True), strict=True)}
        return json.dumps({**self.summary(), "pairs": pairs}, ensure_ascii=False, allow_nan=False)


def rows_of(claim: Claim, models: Sequence[str], cases: Sequence[Case], values: np.ndarray) -> tuple[Row, ...]:
    """All effects, and differences between networks.

    Args:
        values: (N, M, 2) of A and of B.

    Raises:
        InvalidInputError: too few pairs are left, or values that are not finite.
    """
    columns: dict[tuple[str, ...], np.ndarray] = {
        (model,): values[:, n, 1].astype(np.float64) - values[:, n, 0] for n, model in enumerate(models)
    }
    columns |= {(one, other): columns[one,] - columns[other,] for one, other in combinations(models, 2)}
    found = [_row(claim, which, "", cases, change) for which, change in columns.items()]
    if any(row.units < FEWEST for row in found):
        raise InvalidInputError(
            f"{found[0].units} {found[0].unit} are too few to be tested. At least {FEWEST} are needed."
        )
    for size in (1, 2):
        places = [n for n, row in enumerate(found) if len(row.models) == size]
        for n, corrected in zip(places, holm([found[n].p for n in places]), strict=True):
            found[n] = replace(found[n], holm=corrected)
    things = dict.fromkeys(case.thing for case in cases)
    if len(things) > 1:
        for thing, (which, change) in ((thing, item) for thing in things for item in columns.items()):
            own = [n for n, case in enumerate(cases) if case.thing == thing]
            found.append(_row(claim, which, thing.label, [cases[n] for n in own], change[own]))
    return tuple(found)


def _row(claim: Claim, models: tuple[str, ...], group: str, cases: Sequence[Case], change: np.ndarray) -> Row:
    unit, which = units(cases)
    row = Row(
        models=models, group=group, mean=float(change.mean()), pairs=len(cases), units=len(set(which)), unit=unit
    )  # fmt: skip
    if row.units < FEWEST:
        return row
    found = effect(np.zeros(len(change)), change, seed=claim.seed, clusters=which)
    return replace(row, low=found.low, high=found.high, p=found.p)


# ---- in words -----------------------------------------------------------------------------------------------------

WORDS = {1: "gains", -1: "loses"}


def sentence(claim: Claim, rows: Sequence[Row], labels: Mapping[str, str]) -> str:
    """The effects of networks in words, as “Lite0 loses 31 points [27, 35] when …; Lite0 adversarial loses 12 [9, 15].”

    Args:
        rows: of one network each.
        labels: network → as a person calls it.
    """
    first, *others = rows
    text = f"{labels[first.models[0]]} {_change(first, UNITS[claim.kind])} when {claim.clause()}"
    for row, before in zip(others, rows, strict=False):
        verb = f"{WORDS[before.sign]} " if before.sign else ""  # said once of several that do the same
        text += f"; {labels[row.models[0]]} {_change(row, '').removeprefix(verb)}"
    return f"{text}."


def _change(row: Row, unit: str) -> str:
    """What a network does, with the interval."""
    sign = row.sign
    turned = (row.mean, row.low, row.high) if sign >= 0 else (-row.mean, -row.high, -row.low)
    mean, low, high = rounded(*turned)
    what = f" {unit.removesuffix('s') if mean.lstrip('−') == '1' else unit}" if unit else ""
    if sign:
        return f"{WORDS[sign]} {mean}{what} [{low}, {high}]"
    plus = "+" if row.mean > 0 and float(mean) else ""
    return f"neither gains nor loses for certain ({plus}{mean}{what} [{low}, {high}])"


def rounded(mean: float, low: float, high: float) -> tuple[str, str, str]:
    """A mean and its interval with as many decimals as the interval's width lets matter."""
    width = abs(high - low)
    decimals = 0 if not width or width >= 5 else 1 if width >= 0.5 else 2
    if decimals == 0 and 0 < abs(mean) < 1:
        decimals = 2
    words = [f"{number:.{decimals}f}" for number in (mean, low, high)]
    return tuple((f"{float(w):.{decimals}f}" if float(w) else f"{0:.{decimals}f}").replace("-", "−") for w in words)  # type: ignore[return-value]


def _finite(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return None if isinstance(value, float) and not isfinite(value) else value
