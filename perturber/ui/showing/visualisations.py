"""Where feature visualisations stand → the pictures of cards, and what a button says of those that are being made."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from perturber.featurevis import Recipe, Target, Window, seen
from perturber.service import JobState, ModelInfo, Visualised
from perturber.ui.components.maps import Picture, Pictures
from perturber.ui.context import service
from perturber.ui.states.display import MAX_VARIANTS

OPEN = (JobState.WAITING, JobState.RUNNING)


def part_of(info: ModelInfo, target: Target, recipe: Recipe) -> Window | None:
    """What is shown of a target's picture: of a neuron what it sees in any view; None is all of it."""
    if target.kind != "neuron" or target.layer not in info.layers:
        return None
    part = seen(info.layers[target.layer], info.input_size, recipe.size)
    return None if part == (0, 0, recipe.size, recipe.size) else part


def picture_of(found: Visualised | None, title: str, part: Window | None = None) -> Picture:
    """The picture of a feature visualisation as far as it has come, or what stands in for it.

    Args:
        found: None where it has not been asked for.
        title: what it shows.
        part: of the picture, or None for all of it.
    """
    cut = "" if part is None else f"&part={','.join(map(str, part))}"
    title += "" if part is None else ", cut to what the neuron sees"
    note, source, progress = "…", None, None
    if found is not None:
        over = {JobState.FAILED: "failed", JobState.CANCELLED: "not made" if found.error else "cancelled"}
        note = over.get(found.state, "queued")
        if found.state is JobState.DONE or (found.state is JobState.RUNNING and found.progress.done):
            source = f"/neurons/visualisation/{found.key}.png?v={version(found)}{cut}"
            progress = None if found.state is JobState.DONE else found.progress.done / found.progress.steps
        if found.error:
            title = f"{title} ({found.error})"
    return Picture(src=source, title=title, note=note, progress=progress)


def version(found: Visualised) -> str:
    """Tells apart the pictures that a visualisation has had."""
    return "done" if found.state is JobState.DONE else f"{found.state}{found.progress.done}"


def example_of(info: ModelInfo, layer: str, channel: int, index: int | None) -> Picture:
    """The nine patches of a picture folder to which a channel answers most.

    Args:
        index: version of the model's index of examples, or None where there is none.
    """
    missing = f"There are no dataset examples of {info.label} yet: perturber examples index FOLDER --model {info.name}"
    source = None if index is None else f"/neurons/examples/{info.name}/{quote(layer)}/{channel}.png?v={index}"
    title = missing if index is None else f"Top 9 patches of channel {channel}"
    return Picture(src=source, title=title, note="no examples", progress=None)


def card_pictures(
    info: ModelInfo,
    targets: Sequence[Target],
    recipe: Recipe,
    found: Sequence[Visualised] | None,
    *,
    index: int | None,
    examples_first: bool,
) -> list[Pictures]:
    """Both sides of each neuron's card.

    Args:
        targets, recipe: of each neuron the feature visualisation.
        found: where they stand, or None where they have not been asked for yet.
        index: version of the model's index of examples, or None where there is none.
        examples_first: whether the examples are in front.
    """
    cards = []
    for n, target in enumerate(targets):
        title, part = f"Feature visualisation of {target.layer}:{target.index}", part_of(info, target, recipe)
        sides = (
            picture_of(None if found is None else found[n], title, part),
            example_of(info, str(target.layer), target.index, index),
        )
        front, back = reversed(sides) if examples_first else sides
        cards.append(Pictures(front=front, back=back))
    return cards


def neuron_pictures(info: ModelInfo, target: Target, recipe: Recipe, index: int | None) -> list[Picture]:
    """What is there of a neuron: its feature visualisations of either kind, one and several, and its examples."""
    kinds = [(naive, variants) for naive in (recipe.naive, not recipe.naive) for variants in (1, MAX_VARIANTS)]
    pictures = []
    for naive, variants in kinds:
        own = replace(recipe, naive=naive, variants=variants)
        (found,) = service().visualise(info.name, [target], own, order=False)
        words = f"{'naive' if naive else 'Fourier'}{f', {variants} variants' if variants > 1 else ''}"
        title = f"Feature visualisation of {target.layer}:{target.index}, {words}"
        pictures.append(picture_of(found, title, part_of(info, target, own)))
    return [*pictures, example_of(info, str(target.layer), target.index, index)]


def making(found: Sequence[Visualised]) -> tuple[str, str, bool]:
    """What a button says of visualisations that are being made: words, title, and whether a click cancels them.

    The words are empty where there is nothing to say.
    """
    if any(one.state in OPEN for one in found):
        done = sum(1.0 if one.state is JobState.DONE else one.progress.done / one.progress.steps for one in found)
        return f"{done / len(found):.0%} ×", "Stop making these feature visualisations", True
    if any(one.state in (JobState.CANCELLED, JobState.FAILED) for one in found):
        return "make", "Make the missing feature visualisations", False
    return "", "", False
