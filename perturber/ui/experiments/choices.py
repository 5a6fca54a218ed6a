"""Options of experiments that no scene has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from perturber.experiments.measurements.measurement import Pick
from perturber.parameters import Parameter
from perturber.service import InferenceService
from perturber.ui.experiments.base import Chosen, Known

MOST_NEURONS = 64
"""That are drawn at the same time."""

LISTED = "listed"


@dataclass(frozen=True, kw_only=True)
class Channels(Parameter):
    """Channels of a layer as a person writes them: ``0, 5, 12-15``.

    Attributes:
        most: channels that are allowed.
    """

    default: str
    most: int = MOST_NEURONS

    @property
    def allowed(self) -> str:
        """How many, and how they are written."""
        return f"up to {self.most} channels, for example 0, 5, 12-15"

    def parse(self, value: object) -> str:
        """Read such a list.

        Raises:
            InvalidInputError: it is none, or too long.
        """
        text = " ".join(str(value).split()) if isinstance(value, str | int) else ""
        if len(text) > 1000 or not 1 <= len(channels(text)) <= self.most:
            raise self._refuse(value, self.allowed)
        return text


def channels(text: str) -> tuple[int, ...]:
    """The numbers of a `Channels` option, each once; () where it is none, or far too long."""
    found: dict[int, None] = {}
    for part in re.split(r"[,\s]+", text):
        match = re.fullmatch(r"(\d{1,6})(?:[-–](\d{1,6}))?", part, re.ASCII)
        if not match:
            return ()
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first > MOST_NEURONS:
            return ()
        found |= dict.fromkeys(range(first, last + 1))
    return tuple(found)


def written_channels(numbers: tuple[int, ...]) -> str:
    """Numbers as a `Channels` option has them."""
    return ", ".join(map(str, numbers))


def neuron_options(
    model: str, given: Mapping[str, object], known: Known, *, first: int, most: int = MOST_NEURONS
) -> tuple[Parameter, ...]:
    """A layer, and some of its neurons: a group of it, or those that are listed.

    Args:
        given: what is chosen so far; it may be anything.
        first: how many neurons are listed at first.
        most: how many can be chosen; of a larger group they are the first ones.
    """
    info = known.models(model)
    layer = str(given.get("layer", info.default_layer))
    groups = {f"published:{one.name}": one.name for one in info.groups.get(layer, ())}
    groups |= {f"own:{name}": name for name in known.own_groups(model).get(layer, ())}
    there = info.layers[layer].channels if layer in info.layers else most
    of_layer = Pick(
        key="layer", label="Layer", group="", default=info.default_layer, help="Of the network.",
        choices={
            one.name: f"{one.name} · {one.channels} ch"
            for one in info.layers.values()
        },
    )  # fmt: skip
    neurons = Pick(
        key="neurons", label="Neurons", group="", default=LISTED,
        help=f"A group of the layer{f', its first {most}' * (most < MOST_NEURONS)}, or those below.",
        choices={LISTED: "those listed", **groups},
    )  # fmt: skip
    listed = Channels(
        key="channels", label="Channels", group="", default=f"0-{min(there, first) - 1}" if there > 1 else "0",
        help=f"Numbers from 0 to {there - 1}.", most=most,
    )  # fmt: skip
    return of_layer, neurons, *([listed] if given.get("neurons", LISTED) == LISTED else [])


def chosen_neurons(service: InferenceService, chosen: Chosen, most: int = MOST_NEURONS) -> tuple[int, ...]:
    """Channels that the options of `neuron_options` name; () where the group is gone."""
    from perturber.own_groups import OwnGroups

    options = chosen.options
    kind, _, name = options["neurons"].partition(":")
    if kind == "own":
        own = OwnGroups(service.settings.data).of(chosen.models[0], options["layer"])
        return tuple(own.get(name, ()))[:most]
    if kind == "published":
        groups = service.model(chosen.models[0]).groups.get(options["layer"], ())
        return next((group.channels for group in groups if group.name == name), ())[:most]
    return channels(options["channels"])


def same_layer(values: Mapping[str, object]) -> dict[str, object]:
    """What is chosen, without the neurons of a layer: another one has others."""
    return {name: value for name, value in values.items() if name not in ("neurons", "channels")}
