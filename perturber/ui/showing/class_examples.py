"""What a class looks like: a picture from the configured folder, else the feature visualisation of its logit."""

from collections.abc import Collection, Mapping

from perturber.errors import InvalidInputError
from perturber.featurevis import Recipe, Target
from perturber.service import ModelInfo, SlotLook, Visualised
from perturber.ui.components.bars import Evidence
from perturber.ui.context import cache, service
from perturber.ui.files import class_examples
from perturber.ui.showing.visualisations import picture_of

NO_FOLDER = "No folder of example pictures is set (PERTURBER_EXAMPLES)."
NO_PICTURE = "The folder of example pictures has none of this class."
LISTED_S = 10
"""Seconds after which a folder is looked at again."""


def pictured_classes(info: ModelInfo) -> Collection[int]:
    """Classes of which the configured folder has a picture; none where there is no folder that can be used."""
    folder = service().settings.examples
    if folder is None:
        return ()
    key = f"pictured {folder} {info.class_list}"
    found = cache.get(key)
    if found is None:
        try:
            examples = class_examples(info.class_list)
        except InvalidInputError:  # the page says so as it is opened
            examples = None
        found = frozenset() if examples is None else frozenset(examples.paths)
        cache.set(key, found, timeout=LISTED_S)
    return found


def pictures_of(info: ModelInfo, look: SlotLook) -> Mapping[int, Evidence]:
    """Class → its picture, of those that a slot shows and the folder has."""
    shown = [*(look.top or ()), *look.pinned]
    known = pictured_classes(info) if shown else ()
    return {score.index: _picture(info, score.index) for score in shown if score.index in known}


def class_example(
    info: ModelInfo, index: int, recipe: Recipe, *, order: bool, again: bool = False
) -> tuple[Evidence, list[Visualised]]:
    """What a class looks like.

    Args:
        recipe: of the feature visualisation that stands in where there is no picture.
        order: whether to order it.
        again: whether to order it anew if it was cancelled.

    Returns:
        The picture, and where the visualisation stands, if there is one.
    """
    known = pictured_classes(info)
    if index in known:
        return _picture(info, index), []
    name = info.classes[index]
    found = service().visualise(info.name, [Target(kind="class", index=index)], recipe, order=order, again=again)
    why = NO_FOLDER if service().settings.examples is None else NO_PICTURE
    picture = picture_of(found[0], f"Feature visualisation of the logit of {name}. {why}")
    return Evidence(kind="example", caption=f"{name}: its logit’s feature visualisation", **picture), found


def _picture(info: ModelInfo, index: int) -> Evidence:
    name = info.classes[index]
    return Evidence(
        kind="example",
        src=f"/classes/{info.name}/{index}.jpg",
        title=f"An example of {name}, from the folder of example pictures",
        note="no example",
        progress=None,
        caption=f"{name}: an example",
    )
