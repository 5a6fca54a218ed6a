"""``perturber models pictures``: the feature visualisations that come with the project, made and packed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perturber.cli import options
from perturber.cli.featurevis import CHUNKS, fill
from perturber.cli.options import Device, Names
from perturber.errors import StorageError

if TYPE_CHECKING:
    from perturber.featurevis import Recipe, Target
    from perturber.service import InferenceService, ModelInfo

FIRST = 16
"""Channels of each layer with groups that have a picture in any case."""


def pictures(
    names: Names,
    out: Annotated[
        Path | None, typer.Option(help="Folder of models whose sub-folder pictures gets the archives; the one in use.")
    ] = None,
    made: Annotated[bool, typer.Option("--made", help="Pack what is there already; make nothing.")] = False,
    device: Device = None,
) -> None:
    """Make and pack the pictures that are shown at once: of neurons in groups, of the first 16 of their layers, and of
    the classes that the four objects are taken for.

    Those in the store and in the archive are kept, so an interrupted run can resume.
    """
    from perturber.featurevis import Recipe, bundle_file, save_bundle
    from perturber.service import InferenceService
    from perturber.service.device import choose_device

    chosen = options.settings(device)
    chunk = CHUNKS[choose_device(chosen.device).type]
    with InferenceService(chosen) as service:
        for name in names:
            info = service.model(name)
            neurons, classes = neuron_targets(info), class_targets(service, info)
            wanted = {Recipe(): [*classes, *neurons], Recipe(naive=True): neurons}
            if not made:
                for recipe, targets in wanted.items():
                    fill(service, name, targets, recipe, chunk=chunk, what="pictures", out=None)
            found = [
                (target, recipe, data)
                for recipe, targets in wanted.items()
                for target in targets
                if (data := _compressed(service, info, target, recipe)) is not None
            ]
            path = bundle_file(out or chosen.models, name)
            try:
                save_bundle(path, name, info.fingerprint, found)
            except OSError as error:
                raise StorageError(f"Cannot write {str(path)!r}: {error.strerror or error}.") from error
            total, size = sum(map(len, wanted.values())), path.stat().st_size / 2**20
            print(f"{name}: {len(found)} of {total} pictures, {size:.1f} MiB, in {path}")


def neuron_targets(info: "ModelInfo") -> "list[Target]":
    """Neurons in groups, and the first ones of the layers that have groups."""
    from perturber.featurevis import Target

    return [
        Target(layer=layer, index=channel)
        for layer, groups in info.groups.items()
        for channel in sorted(
            {*range(min(FIRST, info.layers[layer].channels)), *(c for group in groups for c in group.channels)}
        )
    ]


def class_targets(service: "InferenceService", info: "ModelInfo") -> "list[Target]":
    """What the network takes the four objects for, each at home and from the front."""
    from perturber.featurevis import Target
    from perturber.groups.subjects import SUBJECTS
    from perturber.service import LookRequest, SlotRequest

    slot = SlotRequest(model=info.name, layer=info.default_layer, channels=(0,))
    looks = [service.look(LookRequest(scene=subject.scene(), slots=(slot,))) for subject in SUBJECTS.values()]
    found = {look.slots[0].top[0].index for look in looks if look.slots[0].top}
    return [Target(kind="class", index=index) for index in sorted(found)]


def _compressed(service: "InferenceService", info: "ModelInfo", target: "Target", recipe: "Recipe") -> bytes | None:
    """A picture as an archive keeps it: as it is in the old one, else from the store; None where it is not made."""
    from perturber.featurevis import compress, key

    name = key(info.fingerprint, target, recipe)
    ready = service.visualisations.bundle.read(name)
    if ready is not None:
        return ready
    found = service.visualisations.store.get(name)
    return None if found is None else compress(found)
