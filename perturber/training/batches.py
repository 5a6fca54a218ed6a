"""Batches of pictures, each a function of seed, step and place alone, decoded ahead of the one that is trained on."""

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from perturber.errors import InvalidInputError
from perturber.render import Renderer
from perturber.training.augmentation import augmentation
from perturber.training.pool import Group, Item, Pool
from perturber.training.recipe import Recipe
from perturber.training.scenes import random_scene

log = logging.getLogger(__name__)

THREADS = min(8, os.cpu_count() or 2)
AHEAD = 2
"""Batches that are decoded before they are needed."""

TRIES = 100
"""Pictures in a row that may be unreadable before there is no hope."""

PLAN, PICTURE = range(2)
"""What random numbers are drawn for; part of their seed."""


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step learns from.

    Attributes:
        pictures: (B, 3, S, S) in [0, 1], what the network is to see.
        plain: the same, but for redrawn pictures, which are here as they were before.
        labels: (B,) int64, −1 where the class is not known.
        has_plain: (B,) bool, whether `plain` is there.
    """

    pictures: Tensor
    plain: Tensor
    labels: Tensor
    has_plain: Tensor


class Batches:
    """The batches of a training, to be asked for in order from any step on.

    Each batch has the same number of scenes, redrawn pictures and plain ones, in this order. Collections are drawn by
    their weights; the pictures of one all have their turn before the first one comes again, in another order. One that
    cannot be read is replaced by the next one of its collection.

    Attributes:
        skipped: name → why it was left out.
    """

    def __init__(self, pool: Pool, recipe: Recipe) -> None:
        self.pool, self.recipe = pool, recipe
        self.skipped: dict[str, str] = {}
        self._lock = threading.Lock()
        self._scenes = round(recipe.scenes * recipe.batch)
        rest = recipe.batch - self._scenes
        redrawn = round(recipe.stylised_share * rest) if recipe.kind == "stylised" else 0
        if redrawn and not pool.stylised:
            raise InvalidInputError("A stylised training needs stylised pictures. Give them with --stylised.")
        if rest - redrawn and not pool.plain:
            raise InvalidInputError("There are no pictures to train on. Give them with --data.")
        self._plan = [
            (groups, turns_of(groups, recipe.steps, count, (recipe.seed, PLAN, i)))
            for i, (groups, count) in enumerate(((pool.stylised, redrawn), (pool.plain, rest - redrawn)))
            if count
        ]
        self._renderer = Renderer(size=recipe.size) if self._scenes else None
        self._readers = ThreadPoolExecutor(THREADS, thread_name_prefix="pictures")
        self._ahead: OrderedDict[int, list[Future]] = OrderedDict()

    def batch(self, step: int) -> Batch:
        """What the network learns from after this many steps.

        Raises:
            InvalidInputError: none of the pictures of a collection can be read.
        """
        for other in [other for other in self._ahead if other < step]:
            del self._ahead[other]
        for coming in range(step, min(step + AHEAD + 1, self.recipe.steps)):
            if coming not in self._ahead:
                self._ahead[coming] = self._order(coming)
        found = [future.result() for future in self._ahead.pop(step)]
        scenes = self._render(step)
        shown = torch.stack([*scenes, *(picture for picture, _, _ in found)])
        plain = torch.stack([*scenes, *(picture if was is None else was for picture, was, _ in found)])
        labels = [-1] * len(scenes) + [-1 if label is None else label for _, _, label in found]
        has_plain = [True] * len(scenes) + [was is not None for _, was, _ in found]
        return Batch(shown, plain, torch.tensor(labels), torch.tensor(has_plain))

    def close(self) -> None:
        """Let the readers go."""
        self._readers.shutdown(cancel_futures=True)

    def _order(self, step: int) -> list[Future]:
        places = [(groups, *turn) for groups, turns in self._plan for turn in turns[step]]
        return [
            self._readers.submit(self._read, groups[group].items, index, step, self._scenes + place)
            for place, (groups, group, index) in enumerate(places)
        ]

    def _read(
        self, items: Sequence[Item], index: int, step: int, place: int
    ) -> tuple[Tensor, Tensor | None, int | None]:
        """A picture as it is to be seen, as it was before it was redrawn, and its class."""
        recipe = self.recipe
        change = augmentation(self._random(step, place), recipe.size, recipe.augmentation)
        for offset in range(min(TRIES, len(items))):
            item = items[(index + offset) % len(items)]
            try:
                shown = change(item.read())
                if item.redrawn:
                    return shown, None if item.original is None else change(item.original.read()), item.label
                return shown, shown, item.label
            except InvalidInputError as error:
                self._skip(item, error)
        raise InvalidInputError(f"None of the pictures in {str(items[0].source.path)!r} can be read.")

    def _skip(self, item: Item, error: InvalidInputError) -> None:
        name = f"{item.source.path.name}/{item.name}"
        with self._lock:
            if name not in self.skipped:
                self.skipped[name] = str(error)
                log.warning("Left out (%d so far): %s", len(self.skipped), error)

    def _render(self, step: int) -> Tensor:
        if self._renderer is None:
            return torch.empty(0, 3, self.recipe.size, self.recipe.size)
        scenes = [random_scene(self._random(step, place)) for place in range(self._scenes)]
        with torch.no_grad():
            return self._renderer.render(scenes).clamp(0, 1)

    def _random(self, step: int, place: int) -> np.random.Generator:
        return np.random.default_rng((self.recipe.seed, PICTURE, step, place))


def turns_of(groups: Sequence[Group], steps: int, count: int, seed: tuple[int, ...]) -> np.ndarray:
    """Which group, and which of its pictures, has each place of each step: (steps, count, 2) int32.

    Those of a step are the same however many steps there are.
    """
    weights = np.array([group.weight for group in groups])
    draws = np.random.default_rng(seed).random(steps * count)
    group = np.minimum(np.searchsorted(np.cumsum(weights / weights.sum()), draws, side="right"), len(groups) - 1)
    item = np.empty_like(group)
    for number, members in enumerate(groups):
        places = np.flatnonzero(group == number)
        size = len(members.items)
        rounds = [
            np.random.default_rng((*seed, number, turn)).permutation(size) for turn in range(-(-len(places) // size))
        ]
        item[places] = np.concatenate([*rounds, np.empty(0, int)])[: len(places)]
    return np.stack((group, item), 1).astype(np.int32).reshape(steps, count, 2)
