"""``perturber slopes``: how scores change with each parameter of a scene, and where the most probable class does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perturber.cli import options
from perturber.cli.attack import find_class
from perturber.cli.output import print_json, progress_bar
from perturber.errors import InvalidInputError

if TYPE_CHECKING:
    from perturber.experiments.slopes import Flip, Slope

HOW = {"gradient": "autograd", "difference": "central differences"}


def slopes(
    models: options.Models = None,
    class_: Annotated[
        str | None, typer.Option("--class", help="Class by name or number. Default: each model's most probable one.")
    ] = None,
    parameters: Annotated[
        list[str] | None, typer.Option("--parameter", help="Parameter, repeatable. Default: all that slide.")
    ] = None,
    score: Annotated[str, typer.Option(help="logit, probability or margin.")] = "logit",
    flips: Annotated[bool, typer.Option(help="Look for the values at which the class changes, too.")] = True,
    object_: options.Object = None,
    background: options.Background = None,
    assignments: options.Set = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Say how a score changes with each parameter of a scene, and the nearest values at which the class changes."""
    from perturber.experiments.slopes import sliding
    from perturber.service import InferenceService, LookRequest, SlotRequest
    from perturber.service.works.slopes import FlipsRequest, SlopesRequest

    scene, names = options.scene(object_, background, assignments), tuple(models or [options.MODEL])
    keys = tuple(parameters or sliding())
    with InferenceService(options.settings(device)) as service:
        infos = [service.model(name) for name in names]
        slots = tuple(SlotRequest(model=name, layer=None, channels=()) for name in names)
        tops = [slot.top for slot in service.look(LookRequest(scene=scene, slots=slots)).slots]
        if not all(tops):
            raise InvalidInputError("A network without classes has no score whose slope could be taken.")
        now = [top[0].index for top in tops if top]
        classes = now if class_ is None else [find_class(info.classes, class_) for info in infos]
        plane = service.plane(scene.plane_neuron) if scene.plane else None
        marks = tuple(info.fingerprint for info in infos)
        kind: Any = score  # the request says what is allowed
        slope = SlopesRequest(
            scene=scene, models=names, classes=tuple(classes), score=kind, keys=keys, fingerprints=marks, plane=plane
        )
        with progress_bar("steps") as progress:
            found = service.wait(service.jobs.submit(slope).id, progress)
        places: Any = {}
        if flips:
            flip = FlipsRequest(scene=scene, models=names, keys=keys, fingerprints=marks, plane=plane)
            with progress_bar("parameters") as progress:
                places = service.wait(service.jobs.submit(flip).id, progress)
    report = {
        "scene": scene.as_dict(),
        "score": score,
        "models": [
            {"model": info.name, "class": info.classes[index], "score": value, "top": info.classes[top]}
            for info, index, value, top in zip(infos, classes, found.scores, now, strict=True)
        ],
        "parameters": [
            _row(key, own, getattr(scene, key), places.get(key), [info.classes for info in infos])
            for key, own in found.slopes.items()
        ],
    }
    if as_json:
        print_json(report)
    else:
        _print(report)


def _row(
    key: str,
    slope: "Slope",
    value: float,
    sides: "Sequence[Sequence[Flip | None]] | None",
    classes: Sequence[Sequence[str]],
) -> dict[str, Any]:
    from perturber.parameters import get

    row = {"parameter": key, "value": value, "unit": getattr(get(key), "unit", ""), "how": HOW[slope.how]}
    row["slopes"] = list(slope.values)
    if sides is not None:
        for n, side in enumerate(("below", "above")):
            row[side] = [
                None if own[n] is None else {"value": own[n].value, "class": names[own[n].to_class]}  # type: ignore[union-attr]
                for own, names in zip(sides, classes, strict=True)
            ]
    return row


def _print(report: dict[str, Any]) -> None:
    """A line for each parameter and model, models one below the other."""
    from perturber.finite import written

    for one in report["models"]:
        print(f"{one['model']}: {report['score']} of {one['class']} {one['score']:.3f}; most probable: {one['top']}")
    wide = max(len(one["model"]) for one in report["models"])
    print(f"\n{'parameter':<24}{'model':<{wide + 2}}{'slope':>11}  {'unit':<11}{'how':<21}{'below':<32}above")
    for row in report["parameters"]:
        for n, one in enumerate(report["models"]):
            name, unit, how = (row["parameter"], f"per {row['unit'] or 'unit'}", row["how"]) if n == 0 else ("", "", "")
            below, above = (_flip(row[side][n]) if side in row else "" for side in ("below", "above"))
            slope = written(row["slopes"][n], "+.4g")
            line = f"{name:<24}{one['model']:<{wide + 2}}{slope:>11}  {unit:<11}{how:<21}{below:<32}{above}"
            print(line.rstrip())


def _flip(flip: dict[str, Any] | None) -> str:
    return "–" if flip is None else f"{flip['class'][:20]} at {flip['value']:.4g}"
