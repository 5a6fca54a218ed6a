"""Edits of the models that there are, as the sliders of the Mixing page can show them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from perturber.editing import LEVELS, Edit, Level
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.ui.states.reading import Models


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of the models that can be mixed.

    Attributes:
        architectures: name → architecture of every model that is ready; at least one.
        models: checks a model's name or an edit's text.
        units: names of the units of one model, or of two that can be mixed, in forward order; raises
            InvalidInputError where they cannot.
        kept: the edit that was kept under a name; raises InvalidInputError where there is none.
    """

    architectures: Mapping[str, str]
    models: Models
    units: Callable[[str, str | None, Level], tuple[str, ...]]
    kept: Callable[[str], Edit]

    def partner(self, first: str) -> str:
        """Another model of a model's architecture; the model itself where there is none."""
        kind = self.architectures.get(first)
        alike = (name for name, other in self.architectures.items() if other == kind and name != first)
        return next(alike, first)

    def fits(self, edit: Edit) -> bool:
        """Whether the models of an edit can be mixed."""
        try:
            self.units(edit.first, edit.second, LEVELS[0])
        except InvalidInputError:
            return False
        return True


def fitted(edit: Edit, level: Level, known: Known) -> tuple[Level, Edit]:
    """An edit as the sliders can show it.

    It may name units of any levels: the sliders become as fine as its finest, and each takes what holds for it.

    Args:
        level: the coarsest that is wanted.

    Returns:
        How fine the sliders are, and the edit in units of that level; both as they were where the models cannot be
        mixed.
    """
    if not known.fits(edit):
        return level, edit
    named = edit.values()
    finer = LEVELS[LEVELS.index(level) :]
    for level in finer:
        units = known.units(edit.first, edit.second, level)
        if all(name in units for name in named):
            return level, edit
        if all(any(_inside(unit, name) for unit in units) for name in named):
            break
    amounts: dict[str, tuple[float, ...]] = {}
    for unit in units:
        around = [name for name in named if _inside(unit, name)]
        if around:
            amounts[unit] = named[max(around, key=len)]
    return level, with_amounts(edit, amounts)


def with_amounts(edit: Edit, amounts: Mapping[str, tuple[float, ...]]) -> Edit:
    """An edit of the same models with other amounts.

    Raises:
        InvalidInputError: an amount is not allowed.
    """
    return replace(edit, amounts=tuple((unit, *values) for unit, values in amounts.items()))  # type: ignore[misc]


def read_edit(text: str, known: Known) -> Edit:
    """An edit of models that there are; where they can be mixed, of units that they have.

    Raises:
        InvalidInputError: it is none.
    """
    edit = Edit.parse(text)
    for model in filter(None, (edit.first, edit.second)):
        known.models(model)
    if known.fits(edit):
        known.models(text)
    return edit


def read_model(name: str, known: Known) -> str:
    """The name of a model that is ready.

    Raises:
        UnknownNameError: it is none.
    """
    if name not in known.architectures:
        raise UnknownNameError("model", name, known.architectures)
    return name


def _inside(unit: str, outer: str) -> bool:
    """Whether a unit is another one or lies in it, as their names say (see `perturber.editing.units`)."""
    rest = unit.removeprefix(outer)
    return unit.startswith(outer) and not rest[:1].isalnum()
