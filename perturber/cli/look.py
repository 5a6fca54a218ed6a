"""``perturber look``, ``render`` and ``parameters``: a scene, what networks see in it, and what can be changed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perturber.cli import options
from perturber.cli.output import print_json, print_notes, write_png
from perturber.parameters import PARAMETERS, Choice, Number, Parameter

if TYPE_CHECKING:
    from perturber.config import Settings
    from perturber.scene import SceneBase
    from perturber.service import SlotLook
    from perturber.zoo.pictures import Crop


def look(
    model: options.Models = None,
    object_: options.Object = None,
    background: options.Background = None,
    assignments: options.Set = None,
    image: options.Image = None,
    resize: options.Resize = None,
    crop: options.CropSide = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Show a scene or a picture to networks and print their top-5.

    A picture reaches each network at its own size and as it is evaluated; as scenes do with post-processing, and if it
    has the size of what render and attack write.
    """
    from perturber.finite import sentence, written
    from perturber.service import InferenceService, LookRequest, SlotRequest

    shown, names = options.scene(object_, background, assignments), model or [options.MODEL]
    found: dict[int, SlotLook] = {}
    notes: list[str] = []
    with InferenceService(options.settings(device)) as service:
        as_scenes = image is None or (resize is crop is None and options.has_scene_size(image))
        groups = _inputs(names, shown, None if as_scenes else service.settings)
        for usual, places in groups.items():
            own, said = options.picture(image, resize, crop, usual)
            notes += said if len(groups) == 1 else [f"For {', '.join(names[n] for n in places)}: {s}" for s in said]
            slots = tuple(SlotRequest(model=names[n]) for n in places)
            answer = service.look_complete(LookRequest(scene=shown, image=own, slots=slots))
            found |= zip(places, answer.slots, strict=True)
    looks = [found[n] for n in range(len(names))]
    if as_json:
        source = {"image": str(image), "notes": notes} if image else {}
        results = [
            {
                "model": slot.model,
                "top": [vars(s) for s in slot.top or ()],
                "milliseconds": slot.milliseconds,
                "gaps": [vars(gap) for gap in slot.gaps],
            }
            for slot in looks
        ]
        print_json({**source, "scene": shown.as_dict(), "device": answer.device, "results": results})
        return
    print_notes(image, notes)
    for slot in looks:
        print(f"{slot.model}  ({slot.milliseconds:.0f} ms, {answer.device})")
        for score in slot.top or ():
            logit, share = written(score.logit, "7.3f"), written(score.probability, "6.1%")
            print(f"  {score.index:4d}  {logit:>7}  {share:>6}  {score.name}")
        if slot.gaps:
            print(f"  {sentence(slot.model, slot.gaps)}")


def _inputs(names: list[str], shown: "SceneBase", settings: "Settings | None") -> "dict[Crop | None, list[int]]":
    """How a picture becomes an input → the models that take it so, by their places; None: as scenes do.

    Args:
        settings: None where there is no picture, or one that goes in as scenes do.
    """
    from perturber.editing import Edit
    from perturber.effects import changes
    from perturber.zoo.catalogue import find

    groups: dict[Crop | None, list[int]] = {}
    for place, name in enumerate(names):
        base = Edit.parse(name).first if Edit.is_edit(name) else name
        crop = None if settings is None or changes(shown) else find(base, settings).crop
        groups.setdefault(crop, []).append(place)
    return groups


def render(
    out: Annotated[Path, typer.Option(help="PNG file to write.")],
    object_: options.Object = None,
    background: options.Background = None,
    assignments: options.Set = None,
    image: options.Image = None,
    resize: options.Resize = None,
    crop: options.CropSide = None,
    device: options.Device = None,
) -> None:
    """Save the model input, the 224 × 224 pixels that networks see, as a PNG file."""
    from perturber.service import InferenceService, LookRequest

    own, notes = options.picture(image, resize, crop)
    request = LookRequest(scene=options.scene(object_, background, assignments), image=own)
    with InferenceService(options.settings(device)) as service:
        answer = service.look_complete(request)
    print_notes(image, notes)
    write_png(answer.image, out)


def parameters(as_json: options.Json = False) -> None:
    """Print the table of scene parameters."""
    if as_json:
        print_json([_row(parameter) for parameter in PARAMETERS.values()])
        return
    for p in PARAMETERS.values():
        print(f"{p.key:22} {p.default!s:>10}   {p.allowed}")
        print(f"{'':22} {p.help}")


def _row(p: Parameter) -> dict[str, Any]:
    row: dict[str, Any] = {"key": p.key, "label": p.label, "group": p.group, "default": p.default}
    if isinstance(p, Number):
        row |= {"minimum": p.minimum, "maximum": p.maximum, "step": p.step, "unit": p.unit}
    elif isinstance(p, Choice):
        row |= {"options": list(p.options)}
    return {**row, "help": p.help}
