"""``perturber attack``: an adversarial attack on a scene or a picture without a browser."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perturber.errors import InvalidInputError

if TYPE_CHECKING:
    from perturber.attack import Attack
    from perturber.service import InferenceService, Look

STRENGTHS = {"l2": 1.0, "linf": 4 / 255, "l0": 100}
"""Norm → ε where none is given."""

STEPS = 8


def attack(
    image: Annotated[Path | None, typer.Option(help="A picture file instead of the scene.")] = None,
    object_: Annotated[str | None, typer.Option("--object", help="The pair of objects in the scene.")] = None,
    background: Annotated[str | None, typer.Option(help="The picture behind the object.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="PARAMETER=VALUE; see `perturber parameters`.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="The attacked model; further ones are shown what comes of it.")
    ] = None,
    method: Annotated[str, typer.Option(help="pgd, fgsm, mifgsm or sparse.")] = "pgd",
    norm: Annotated[str | None, typer.Option(help="l2, linf or l0; by default the method's first.")] = None,
    epsilon: Annotated[
        float | None,
        typer.Option(help="In the [0, 1] pixel scale, for l0 pixels; by default 1 in l2, 4/255 in linf, 100 in l0."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help=f"By default {STEPS}; fgsm takes one.")] = None,
    step_size: Annotated[float | None, typer.Option(help="By default ε/8, for l0 0.5.")] = None,
    target: Annotated[str | None, typer.Option(help="A class to reach, by name or number.")] = None,
    random_start: Annotated[bool, typer.Option("--random-start", help="Start at a random point of the ball.")] = False,
    seed: Annotated[int, typer.Option(help="Of the random start.")] = 0,
    out: Annotated[Path | None, typer.Option(help="PNG file to write the attacked picture to.")] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or cuda:N; default: PERTURBER_DEVICE or auto.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Attack a scene or a picture, and print what models make of it before and after."""
    from perturber.attack import METHODS, Attack
    from perturber.cli import _scene, _settings
    from perturber.errors import UnknownNameError
    from perturber.service import IMAGE_SIZE, AttackRequest, InferenceService, LookRequest, SlotRequest
    from perturber.zoo.pictures import crop, read_picture

    if method not in METHODS:
        raise UnknownNameError("attack", method, METHODS)
    chosen = norm or METHODS[method][0]
    models = list(dict.fromkeys(model or ["efficientnet_lite0"]))
    scene = _scene(object_, background, assignments)
    picture = None if image is None else crop(read_picture(image), IMAGE_SIZE)
    slots = tuple(SlotRequest(model=name) for name in models)
    with InferenceService(_settings(device)) as service:
        asked = Attack(
            model=models[0],
            method=method,  # type: ignore[arg-type]
            norm=chosen,  # type: ignore[arg-type]
            epsilon=STRENGTHS.get(chosen, 1.0) if epsilon is None else epsilon,
            step_size=step_size,
            steps=(1 if method == "fgsm" else STEPS) if steps is None else steps,
            target=None if target is None else find_class(service.model(models[0]).classes, target),
            random_start=random_start,
            seed=seed,
        )
        answer = service.look(LookRequest(scene=scene, image=picture, slots=slots, attack=AttackRequest(attack=asked)))
        rounded = None if out is None else _write(service, answer, out)
    source = {"image": str(image)} if image else {}
    report = {**source, "scene": scene.as_dict(), **_report(asked, answer, models, rounded, out)}
    if as_json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _print(report)


def find_class(classes: Sequence[str], wanted: str) -> int:
    """The class of this number, of this name, or the only one whose name holds these letters.

    Raises:
        InvalidInputError: there is none, or there are several.
    """
    from perturber.errors import UnknownNameError

    if wanted.isdecimal() and len(wanted) < 10:
        return int(wanted)  # the service knows whether there is one
    names = [name.lower() for name in classes]
    word = wanted.strip().lower()
    found = [i for i, name in enumerate(names) if name == word] or [
        i for i, n in enumerate(names) if word and word in n
    ]
    if not found:
        raise UnknownNameError("class", wanted, classes)
    if len(found) > 1:
        which = ", ".join(f"{classes[i]} ({i})" for i in found[:8])
        raise InvalidInputError(f"{wanted[:80]!r} names {len(found)} classes: {which}. Give a whole name or a number.")
    return found[0]


def _write(service: "InferenceService", answer: "Look", out: Path) -> "Look":
    """Write the picture, and show the models what is in the file: rounded to 8 bits, it is another perturbation."""
    from PIL import Image

    from perturber.scene import Scene
    from perturber.service import LookRequest, SlotRequest

    try:
        Image.fromarray(answer.image).save(out, format="PNG")
    except OSError as error:
        raise InvalidInputError(f"Cannot write {str(out)!r}: {error.strerror or error}.") from error
    slots = tuple(SlotRequest(model=slot.model) for slot in answer.slots)
    return service.look(LookRequest(scene=Scene(), image=answer.image, slots=slots))


def _report(
    asked: "Attack", answer: "Look", models: Sequence[str], rounded: "Look | None", out: Path | None
) -> dict[str, Any]:
    from perturber.service import LOW_FREQUENCY

    found = answer.attack
    assert found is not None
    results: list[dict[str, Any]] = []
    for number, (slot, outcome) in enumerate(zip(answer.slots, found.outcomes, strict=True)):
        result = {
            "model": slot.model,
            "attacked": number == 0,
            "before": vars(outcome.top_before),
            "after": vars(outcome.top),
            "class_before": vars(outcome.before),
            "class_after": vars(outcome.now),
            "top": [vars(score) for score in slot.top or ()],
        }
        if rounded is not None:
            result["rounded"] = vars((rounded.slots[number].top or ())[0])
        results.append(result)
    report = {
        "attack": str(asked),
        "device": answer.device,
        "steps": found.progress.done,
        "l2": found.l2,
        "linf": found.linf,
        "low_frequency": LOW_FREQUENCY,
        "low_share": found.low_share,
        "results": results,
    }
    if out is not None:
        report["out"] = str(out)
        report["rounding"] = "The file holds 8 bits a colour, which changes the perturbation; see `rounded`."
    return report


def _print(report: dict[str, Any]) -> None:
    def said(score: dict[str, Any]) -> str:
        return f"{score['name']} {score['probability']:.1%}"

    print(f"{report['attack']}  ({report['device']})")
    print(
        f"  perturbation: L2 {report['l2']:.4g} ({report['l2'] * 255:.4g}/255), "
        f"L∞ {report['linf']:.4g} ({report['linf'] * 255:.4g}/255), "
        f"{report['low_share']:.1%} of its energy below {report['low_frequency']:g} cycles a pixel"
    )
    for result in report["results"]:
        print(f"{result['model']}{'' if result['attacked'] else '  (transfer)'}")
        print(f"  {said(result['before'])} → {said(result['after'])}")
        if result["class_before"]["index"] != result["before"]["index"]:
            print(f"  the attacked model's class: {said(result['class_before'])} → {said(result['class_after'])}")
        if "rounded" in result:
            print(f"  rounded to 8 bits: {said(result['rounded'])}")
    if "out" in report:
        print(f"{report['out']}: written with 8 bits a colour, which changes the perturbation")
