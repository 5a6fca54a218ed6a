"""``perturber attack``: an adversarial attack on a scene or a picture without a browser."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from perturber.cli import options
from perturber.cli.output import print_json, print_notes, write_png
from perturber.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from perturber.attack import Attack
    from perturber.service import InferenceService, Look

STEPS = 8


class AttackCommand(TyperCommand):
    """Lists the methods in its help; whoever does not ask for that does not wait until torch is loaded."""

    def get_help(self, ctx: Any) -> str:
        """The help, with a line for each method."""
        from perturber.attack import METHODS

        lines = []
        for key, method in METHODS.items():
            norms = ", ".join(f"{norm} (ε {epsilon:g})" for norm, epsilon in method.norms.items())
            lines.append(f"{key}: {method.label} in {norms}. {method.help}")
        self.epilog = "\n\n".join(lines)
        return super().get_help(ctx)


def attack(
    image: options.Image = None,
    resize: options.Resize = None,
    crop: options.CropSide = None,
    object_: options.Object = None,
    background: options.Background = None,
    assignments: options.Set = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Model to attack; repeat it to show the result to other models.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="One of the methods below; default: the first.")] = None,
    norm: Annotated[str | None, typer.Option(help="Norm of the perturbation; default: the method's first.")] = None,
    epsilon: Annotated[
        float | None,
        typer.Option(help="Largest perturbation, in the [0, 1] pixel scale, for l0 in pixels; defaults below."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help=f"Default: {STEPS}, or the most that the method takes.")] = None,
    step_size: Annotated[float | None, typer.Option(help="Default: ε/8, or 0.5 in l0; some methods fix it.")] = None,
    target: Annotated[str | None, typer.Option(help="Class to reach, by name or number.")] = None,
    random_start: Annotated[bool, typer.Option("--random-start", help="Start at a random point of the ball.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the random start.")] = 0,
    out: Annotated[Path | None, typer.Option(help="PNG file to write the attacked picture to.")] = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Attack a scene or a picture, and print what models predict before and after."""
    from perturber.attack import Attack
    from perturber.service import AttackRequest, InferenceService, LookRequest, SlotRequest

    models = list(dict.fromkeys(model or [options.MODEL]))
    shown, (own, notes) = options.scene(object_, background, assignments), options.picture(image, resize, crop)
    plain = Attack(
        model=models[0], **_defaults(method, norm, epsilon, steps), step_size=step_size, random_start=random_start,
        seed=seed,
    )  # fmt: skip
    slots = tuple(SlotRequest(model=name) for name in models)
    with InferenceService(options.settings(device)) as service:
        asked = plain if target is None else replace(plain, target=find_class(service.model(models[0]).classes, target))
        attacked = AttackRequest(attack=asked)
        answer = service.look_complete(LookRequest(scene=shown, image=own, slots=slots, attack=attacked))
        rounded = None if out is None else _write(service, answer, out)
    report = {"scene": shown.as_dict(), **_report(asked, answer, rounded, out)}
    if as_json:
        print_json({"image": str(image), "notes": notes, **report} if image else report)
        return
    print_notes(image, notes)
    _print(report)


def _defaults(method: str | None, norm: str | None, epsilon: float | None, steps: int | None) -> dict[str, Any]:
    """What an attack is where options leave it open."""
    from perturber.attack import METHODS

    method = method or next(iter(METHODS))
    if method not in METHODS:
        raise UnknownNameError("attack", method, METHODS)
    chosen = METHODS[method]
    norm = norm or next(iter(chosen.norms))
    return {
        "method": method,
        "norm": norm,
        "epsilon": chosen.norms.get(norm, 1.0) if epsilon is None else epsilon,  # type: ignore[call-overload]
        "steps": min(STEPS, chosen.max_steps) if steps is None else steps,
    }


def find_class(classes: Sequence[str], wanted: str) -> int:
    """The class of this number, of this name, or the only one whose name contains these letters.

    Raises:
        InvalidInputError: no class matches, or several do.
    """
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
        raise InvalidInputError(f"{wanted[:80]!r} matches {len(found)} classes: {which}. Give a full name or a number.")
    return found[0]


def _write(service: "InferenceService", answer: "Look", out: Path) -> "Look":
    """Write the picture, and show the models what is in the file: rounded to 8 bits, it is another perturbation."""
    from perturber.scene import Scene
    from perturber.service import LookRequest, SlotRequest

    write_png(answer.image, out)
    slots = tuple(SlotRequest(model=slot.model) for slot in answer.slots)
    return service.look_complete(LookRequest(scene=Scene(), image=answer.image, slots=slots))


def _report(asked: "Attack", answer: "Look", rounded: "Look | None", out: Path | None) -> dict[str, Any]:
    from perturber.service import LOW_FREQUENCY

    found = answer.attack
    assert found is not None
    report = {
        "attack": str(asked),
        "device": answer.device,
        "steps": found.progress.done,
        "unknown_steps": found.unknown,
        "l2": found.l2,
        "linf": found.linf,
        "low_frequency": LOW_FREQUENCY,
        "low_share": found.low_share,
        "results": _results(answer, rounded),
    }
    if out is not None:
        report["out"] = str(out)
        report["rounding"] = "The file holds 8 bits per channel, which changes the perturbation; see `rounded`."
    return report


def _results(answer: "Look", rounded: "Look | None") -> list[dict[str, Any]]:
    """What each model made of the picture before and after."""
    assert answer.attack is not None
    results: list[dict[str, Any]] = []
    for number, (slot, outcome) in enumerate(zip(answer.slots, answer.attack.outcomes, strict=True)):
        result = {
            "model": slot.model,
            "attacked": number == 0,
            "before": vars(outcome.top_before),
            "after": vars(outcome.top),
            "class_before": vars(outcome.before),
            "class_after": vars(outcome.now),
            "top": [vars(score) for score in slot.top or ()],
            "gaps": [vars(gap) for gap in slot.gaps],
        }
        if rounded is not None:
            result["rounded"] = next(map(vars, rounded.slots[number].top or ()), None)
        results.append(result)
    return results


def _print(report: dict[str, Any]) -> None:
    from perturber.finite import Gap, sentence, unknown_steps, written

    def said(score: dict[str, Any]) -> str:
        return f"{score['name']} {written(score['probability'], '.1%')}"

    print(f"{report['attack']}  ({report['device']})")
    print(
        f"  perturbation: L2 {report['l2']:.4g} ({report['l2'] * 255:.4g}/255), "
        f"L∞ {report['linf']:.4g} ({report['linf'] * 255:.4g}/255), "
        f"{report['low_share']:.1%} of its energy below {report['low_frequency']:g} cycles per pixel"
    )
    if report["unknown_steps"]:
        print(f"  {unknown_steps(report['unknown_steps'], report['steps'])}")
    for result in report["results"]:
        print(f"{result['model']}{'' if result['attacked'] else '  (transfer)'}")
        print(f"  {said(result['before'])} → {said(result['after'])}")
        if result["class_before"]["index"] != result["before"]["index"]:
            print(f"  the attacked model's class: {said(result['class_before'])} → {said(result['class_after'])}")
        if result.get("rounded"):
            print(f"  rounded to 8 bits: {said(result['rounded'])}")
        if result["gaps"]:
            print(f"  {sentence(result['model'], [Gap(**gap) for gap in result['gaps']])}")
    if "out" in report:
        print(f"Wrote {report['out']} with 8 bits per channel, which changes the perturbation")
