"""``perturber look``, ``render`` and ``parameters``: a scene, what networks see in it, and what can be changed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from perturber.cli import options
from perturber.cli.output import print_json, print_notes, write_png
from perturber.parameters import PARAMETERS, Choice, Number, Parameter


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
    """Show a scene or a picture to networks and print their top-5."""
    from perturber.finite import sentence, written
    from perturber.service import InferenceService, LookRequest, SlotRequest

    shown = options.scene(object_, background, assignments)
    slots = tuple(SlotRequest(model=name) for name in model or [options.MODEL])
    own, notes = options.picture(image, resize, crop)
    request = LookRequest(scene=shown, image=own, slots=slots)
    with InferenceService(options.settings(device)) as service:
        answer = service.look(request)
    if as_json:
        source = {"image": str(image), "notes": notes} if image else {}
        results = [
            {
                "model": slot.model,
                "top": [vars(s) for s in slot.top or ()],
                "milliseconds": slot.milliseconds,
                "gaps": [vars(gap) for gap in slot.gaps],
            }
            for slot in answer.slots
        ]
        print_json({**source, "scene": shown.as_dict(), "device": answer.device, "results": results})
        return
    print_notes(image, notes)
    for slot in answer.slots:
        print(f"{slot.model}  ({slot.milliseconds:.0f} ms, {answer.device})")
        for score in slot.top or ():
            logit, share = written(score.logit, "7.3f"), written(score.probability, "6.1%")
            print(f"  {score.index:4d}  {logit:>7}  {share:>6}  {score.name}")
        if slot.gaps:
            print(f"  {sentence(slot.model, slot.gaps)}")


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
        answer = service.look(request)
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
