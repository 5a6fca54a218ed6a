"""Whether networks see the object or what is behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from perturber.examples.folders import picture_names
from perturber.experiments.measurements.measurement import (
    Figure,
    Measurement,
    Order,
    Result,
    Seen,
    Trial,
    check_subjects,
    figures,
    of_subject,
    recognised_rows,
    whole,
)
from perturber.experiments.measurements.statistics import Statistic, difference, ratios, summed
from perturber.groups.subjects import BACKGROUNDS, SUBJECTS, YAWS
from perturber.parameters import Parameter
from perturber.zoo.evaluate import spread

TURNS, BLURS, COLOURS = (0.0, 180.0, 90.0, -90.0), (0.0, 2.0, 4.0), (1.0, 0.0)
"""Degrees, mip levels and saturations by which a background becomes further ones."""

FINER = (0.0, 15.0, 30.0, 45.0, 60.0, 75.0)
"""Degrees added to the turns where all that is not enough."""

HOME, OTHER, ALONE, BEHIND = "own background", "other background", "no background", "background only"
GROUPS = (HOME, OTHER, ALONE, BEHIND)


@dataclass(frozen=True)
class Behind:
    """A background: a bundled one, turned, blurred or without colours, or a picture file."""

    name: str
    changes: tuple[tuple[str, Any], ...] = ()
    file: Path | None = None

    def __str__(self) -> str:
        changed = "".join(f" {key.removeprefix('background_')} {value:g}" for key, value in self.changes)
        return self.name + changed


class Backgrounds(Measurement):
    """Accuracy before backgrounds, without one, and of backgrounds alone."""

    name = "backgrounds"
    title = "Dependence on backgrounds"
    definition = (
        "Each of the four objects is seen in some yaws before each of B backgrounds. A picture counts as recognised "
        "where the most probable class is one of those that name the object (every dog breed, for the dog). Shares of "
        "recognised pictures, in per cent: before backgrounds that are the object's own (the one where it is at home, "
        "however turned, blurred or without colours) and before the others; the gap is own − others, as Mixed-Same "
        "− Mixed-Rand; without a background (mid-grey); and of backgrounds without any object, where the share is "
        "that of pictures which are taken for the object by its own background alone. Intervals draw the backgrounds "
        "anew, those without background the yaws and objects."
    )
    source = (
        "after section 7.3.2 of the thesis on Perturber, and Xiao, Engstrom, Ilyas & Madry 2020, "
        "“Noise or signal: the role of image backgrounds in object recognition”"
    )
    options: ClassVar[tuple[Parameter, ...]] = (
        whole("backgrounds", "Backgrounds", 30, 4, 500, "B, the bundled ones first."),
        whole("views", "Views", 3, 1, 73, f"Yaws, evenly from {YAWS[0]:g}° to {YAWS[-1]:g}°; a single one is 0°."),
    )
    folder = "its pictures are further backgrounds behind the bundled ones, in place of turned and blurred ones"

    def most(self, order: Order) -> int:
        """Each object before each background, without one, and the backgrounds alone."""
        backgrounds, views = order.whole("backgrounds"), order.whole("views")
        return len(SUBJECTS) * (backgrounds * views + views + backgrounds)

    def trials(self, order: Order) -> list[Trial]:
        """Objects before all backgrounds, then without one, then the backgrounds alone."""
        check_subjects(order)
        views = order.whole("views")
        yaws = np.linspace(YAWS[0], YAWS[-1], views).tolist() if views > 1 else [0.0]
        behind = self._behind(order)
        found: list[Trial] = []
        for (name, subject), back, yaw in product(SUBJECTS.items(), behind, yaws):
            scene = subject.scene(yaw=yaw, **_scene(back))
            group = HOME if back.name == subject.background else OTHER
            facts = {"variant": group, "object": name, "yaw": yaw, "background": str(back)}
            right = of_subject(subject)
            found.append(Trial(scene=scene, file=back.file, behind=back.file is not None, right=right, facts=facts))
        for (name, subject), yaw in product(SUBJECTS.items(), yaws):
            facts = {"variant": ALONE, "object": name, "yaw": yaw, "background": ""}
            found.append(Trial(scene=subject.scene(yaw=yaw), parts="object", right=of_subject(subject), facts=facts))
        for (name, subject), back in product(SUBJECTS.items(), behind):
            if back.name == subject.background:
                facts = {"variant": BEHIND, "object": name, "yaw": None, "background": str(back)}
                scene, right = subject.scene(**_scene(back)), of_subject(subject)
                found.append(Trial(scene=scene, parts="background", right=right, facts=facts))
        return found

    def result(self, order: Order, seen: Seen) -> Result:
        """Shares of the four variants, the gap, and how gaps differ from the first network's."""
        variants = np.array([trial.facts["variant"] for trial in seen.trials])
        backs = [trial.facts["background"] for trial in seen.trials]
        views = [(trial.facts["object"], trial.facts["yaw"]) for trial in seen.trials]
        before = np.isin(variants, (HOME, OTHER))
        found: list[Figure] = []
        gaps: dict[str, Statistic] = {}
        count = len(set(np.array(backs)[before]))
        for model in order.models:
            right = seen.readings[model][:, 0].astype(float)
            for group in GROUPS:
                own = variants == group
                if not own.any():
                    continue
                units = [(views if group == ALONE else backs)[n] for n in np.flatnonzero(own)]
                sums = summed(np.stack([100 * right[own], np.ones(own.sum())], 1), units)
                statistic = ratios(sums[:, 0], sums[:, 1])
                found += figures("recognised", model, statistic, len(sums), groups=[group], unit="%")
            gaps[model] = _gap(right[before], variants[before], [backs[n] for n in np.flatnonzero(before)])
        for model, gap in gaps.items():
            found += figures("gap", model, gap, count, unit="points")
        first, *others = order.models
        for model in others:
            lead = difference(gaps[model], gaps[first])
            found += figures("gap difference", (model, first), lead, count, unit="points")
        return self._result(order, seen, found, *recognised_rows(order, seen))

    @staticmethod
    def _behind(order: Order) -> list[Behind]:
        count = order.whole("backgrounds")
        if order.folder is None:
            return list(_variations())[:count]
        names = spread(picture_names(order.folder), max(0, count - len(BACKGROUNDS)))
        files = [Behind(name, file=order.folder / name) for name in names]
        return [*map(Behind, BACKGROUNDS), *files][:count]


def _variations() -> Iterator[Behind]:
    """Bundled backgrounds as they are, then turned, then blurred as well, then without colours, then turned finer."""
    usual = {"background_rotation": 0.0, "background_blur": 0.0, "background_saturation": 1.0}
    for finer, colour, blur, turn, name in product(FINER, COLOURS, BLURS, TURNS, BACKGROUNDS):
        changes = {"background_rotation": turn + finer, "background_blur": blur, "background_saturation": colour}
        yield Behind(name, tuple((key, value) for key, value in changes.items() if value != usual[key]))


def _scene(back: Behind) -> dict[str, Any]:
    return {} if back.file is not None else {"background": back.name, **dict(back.changes)}


def _gap(right: np.ndarray, variants: np.ndarray, backs: list[str]) -> Statistic:
    """Own − others, over the backgrounds."""
    parts = [
        column for variant in (HOME, OTHER) for column in (100 * right * (variants == variant), variants == variant)
    ]
    sums = summed(np.stack(parts, 1).astype(float), backs)

    def gap(weights: np.ndarray) -> np.ndarray:
        hits, count, other_hits, other_count = (weights @ sums).T
        return (hits / count - other_hits / other_count)[:, None]

    return gap
