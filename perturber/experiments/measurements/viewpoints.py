"""From where around an object networks recognise it."""

from collections.abc import Sequence
from itertools import product
from typing import ClassVar

import numpy as np

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
from perturber.experiments.measurements.statistics import borders, ratios, regions, sphere_weights
from perturber.groups.subjects import SUBJECTS
from perturber.parameters import PARAMETERS, Number, Parameter


class Viewpoints(Measurement):
    """Share of the sphere of views from which objects are recognised, the largest region, and its border."""

    name = "viewpoints"
    title = "Map of viewpoints"
    definition = (
        "The camera looks at each of the four objects, before its own background, from the middle of each cell of a "
        "grid of longitudes (yaw) × latitudes (−pitch: positive looks down from above). A view v is recognised, r_v = "
        "1, where the most probable class names the object. Share of the sphere: 100 · Σ_v cos(latitude_v) r_v / "
        "Σ_v cos(latitude_v). Largest region: the same of the largest connected region of recognised cells, which "
        "touch by their sides, around the back as well. Border: the share of recognised views beside one that is not. "
        "Intervals draw the views of each object anew as if they had been chosen at random, which makes them rather "
        "too wide for a grid."
    )
    source = "this project; cells of equal angles weighted by cos(latitude), as areas of a sphere are"
    options: ClassVar[tuple[Parameter, ...]] = (
        whole("longitudes", "Longitudes", 16, 4, 180, "Cells around."),
        whole("latitudes", "Latitudes", 8, 2, 90, "Cells from below to above."),
        Number(
            key="distance", label="Distance", group="", default=PARAMETERS["distance"].default,  # type: ignore[arg-type]
            minimum=2, maximum=20, step=0.05, unit="radii", help="Of the camera.",
        ),
    )  # fmt: skip

    def most(self, order: Order) -> int:
        """The grid, of each object."""
        return len(SUBJECTS) * order.whole("longitudes") * order.whole("latitudes")

    def trials(self, order: Order) -> list[Trial]:
        """Object by object, latitudes from below to above, longitudes moving fastest."""
        check_subjects(order)
        latitudes, longitudes = (
            _middles(order.whole(key), full) for key, full in (("latitudes", 180), ("longitudes", 360))
        )
        return [
            Trial(
                scene=subject.scene(yaw=longitude, pitch=-latitude, distance=order.options["distance"]),
                right=of_subject(subject),
                facts={"object": name, "latitude": latitude, "longitude": longitude},
            )
            for (name, subject), latitude, longitude in product(SUBJECTS.items(), latitudes, longitudes)
        ]

    def result(self, order: Order, seen: Seen) -> Result:
        """Shares of the sphere; in the data each view's region, the largest being 1, and whether it is at a border."""
        shape = (len(SUBJECTS), order.whole("latitudes"), order.whole("longitudes"))
        latitudes = np.array(_middles(shape[1], 180))
        weights = np.broadcast_to(sphere_weights(latitudes)[:, None], shape[1:])
        head, rows = recognised_rows(order, seen)
        maps = {model: found[:, 0].reshape(shape) > 0 for model, found in seen.readings.items()}
        ranked = {model: np.stack([_ranked(own, weights) for own in found]) for model, found in maps.items()}
        edges = {model: np.stack([borders(own) for own in found]) for model, found in maps.items()}
        found: list[Figure] = []
        for model, own in maps.items():
            found += self._shares("share of the sphere", model, own, weights)
        for model, own in ranked.items():
            found += self._shares("largest region", model, own == 1, weights)
        for model, own in edges.items():
            found += self._shares("border", model, own, weights * maps[model])
        first, *others = order.models
        for model in others:
            lead = maps[model].astype(float) - maps[first]
            found += self._shares("difference", (model, first), lead, weights, unit="points")
        for model in order.models:
            head += [f"{model}: region", f"{model}: border"]
            for row, region, edge in zip(rows, ranked[model].flat, edges[model].flat, strict=True):
                row += [int(region), int(edge)]
        return self._result(order, seen, found, head, rows)

    @staticmethod
    def _shares(
        name: str, model: str | tuple[str, ...], part: np.ndarray, weights: np.ndarray, unit: str = "%"
    ) -> list[Figure]:
        """Weighted shares of a part of each object's map, and of the maps of all objects."""
        every = np.broadcast_to(weights, part.shape)
        found: list[Figure] = []
        for group, own, of in (("", part, every), *zip(SUBJECTS, part, every, strict=True)):
            statistic = ratios(100 * (own * of).ravel(), of.ravel())
            found += figures(name, model, statistic, own.size, groups=[group], unit=unit)
        return found


def _middles(cells: int, full: int) -> list[float]:
    """The middle of each of so many cells of equal width, around 0."""
    return [(n + 0.5) * full / cells - full / 2 for n in range(cells)]


def _ranked(recognised: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Regions of a map, numbered from 1 on by falling size on the sphere; 0 where nothing is recognised."""
    labels = regions(recognised)
    sizes = np.bincount(labels.ravel(), weights.ravel())
    order: Sequence[int] = [int(label) for label in np.argsort(-sizes, kind="stable") if label]
    ranks = np.zeros(len(sizes), int)
    ranks[order] = np.arange(1, len(order) + 1)
    return ranks[labels]
