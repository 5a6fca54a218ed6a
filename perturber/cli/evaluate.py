"""``perturber evaluate``: accuracy over labelled pictures."""

from typing import Annotated

import typer

from perturber.cli.options import CropSide, Device, Json, Labelled, Limit, Only, Resize, cropped, settings
from perturber.cli.output import print_json, print_notes, progress_bar

NAMED = 20
"""Pictures that could not be read and are named one by one; ``--json`` has all."""


def evaluate(
    model: Annotated[str, typer.Option(help="Model in the catalogue, or model@step for one of its checkpoints.")],
    images: Labelled,
    limit: Limit = None,
    only: Only = None,
    attack: Annotated[
        str | None, typer.Option(help="Also measure under this attack, for example pgd(l2=0.5,steps=10).")
    ] = None,
    resize: Resize = None,
    crop: CropSide = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Measure top-1 and top-5 accuracy over labelled pictures."""
    from perturber.service import InferenceService
    from perturber.training.pool import read_stems
    from perturber.training.recipe import parse_attack
    from perturber.zoo.catalogue import find

    listed = None if only is None else read_stems(only)
    against = None if attack is None else parse_attack(attack, model)
    with InferenceService(settings(device)) as service, progress_bar("pictures") as progress:
        taken = cropped(find(model, service.settings).crop, resize, crop)
        result = service.evaluate(
            model, images, limit=limit, only=listed, attack=against, crop=taken, progress=progress
        )
    if as_json:
        print_json({"model": model, "attack": against and str(against), **vars(result)})
        return
    print(f"{model}: top-1 {result.top1:.1%}, top-5 {result.top5:.1%} over {result.count} pictures")
    if result.robust_top1 is not None:
        print(f"under {against}: top-1 {result.robust_top1:.1%}, top-5 {result.robust_top5:.1%}")
    print_notes(images, result.notes)
    if result.unreadable:
        named = ", ".join(result.unreadable[:NAMED])
        more = f" and {len(result.unreadable) - NAMED} more" if len(result.unreadable) > NAMED else ""
        print(f"{images}: {len(result.unreadable)} could not be read and are not counted: {named}{more}")
