"""``perturber adversary`` and ``perturber difference``: scenes that fool a network, near or in few parameters."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perturber.cli import options
from perturber.cli.attack import find_class
from perturber.cli.output import print_json, progress_bar
from perturber.errors import InvalidInputError

if TYPE_CHECKING:
    from perturber.experiments.goals import Goal
    from perturber.experiments.space import Space, Span
    from perturber.scene import SceneBase
    from perturber.service import InferenceService
    from perturber.service.seeking import Said

Fooled = Annotated[str, typer.Option("--model", help="Model to fool.")]
Keeps = Annotated[str | None, typer.Option("--keep", help="Model that must stay right: the scene is to part the two.")]
Right = Annotated[
    list[str] | None,
    typer.Option(help="Class that is right, by name or number; repeatable. Default: the most probable at the start."),
]
Target = Annotated[str | None, typer.Option(help="Class to reach, by name or number; default: any that is not right.")]
Ranges = Annotated[
    list[str] | None,
    typer.Option(
        "--range",
        help="PARAMETER=LOW:HIGH, or PARAMETER in its usual range; repeatable. Default: camera, morph, light, texture, "
        "background and post-processing, each about its value at the start.",
    ),
]
Renders = Annotated[int, typer.Option(help="Scenes that may be looked at.")]


def adversary(
    model: Fooled = options.MODEL,
    keep: Keeps = None,
    right: Right = None,
    target: Target = None,
    ranges: Ranges = None,
    norm: Annotated[str, typer.Option(help="l2 or linf, over the parameters in widths of their ranges.")] = "l2",
    limit: Annotated[float, typer.Option(help="Largest distance, in widths of the ranges.")] = 1.0,
    renders: Renders = 200,
    method: Annotated[str, typer.Option(help="gradient, or random for comparison.")] = "gradient",
    first: Annotated[bool, typer.Option("--first", help="End at the first scene that does.")] = False,
    seed: Annotated[int, typer.Option(help="Of whatever is random.", min=0)] = 0,
    object_: options.Object = None,
    background: options.Background = None,
    assignments: options.Set = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Find the nearest scene that fools a model, or parts two, by gradients through the renderer."""
    from perturber.service import InferenceService
    from perturber.service.seekers import adversary_request

    start = options.scene(object_, background, assignments)
    space = _around(start, ranges)
    with InferenceService(options.settings(device)) as service:
        goal = _goal(service, start, model, keep, right, target)
        request = adversary_request(
            service, space, goal, norm=norm, limit=limit, renders=renders, method=method, first=first,
            seed=seed,
        )  # fmt: skip
        with progress_bar("scenes") as progress:
            found = service.wait(service.jobs.submit(request).id, progress)
        classes = service.model(model).classes
    scene = None if found.found is None else found.found.scene
    report = {
        "start": start.as_dict(),
        "scene": None if scene is None else scene.as_dict(),
        "changed": _changed(start, scene),
        "distance": None if found.found is None else found.found.distance,
        "norm": norm,
        "renders": found.renders,
        "slopes": found.slopes,
        "before": _named(found.before, classes),
        "after": _named(found.after, classes),
    }
    if as_json:
        print_json(report)
        return
    if scene is None:
        print(
            f"Nothing was found in {found.renders:,} renders within {limit:g} widths of the ranges ({norm}). "
            "Allow more renders, a larger distance or more parameters."
        )
        return
    _print(report)
    print(
        f"  distance {report['distance']:.3f} widths of the ranges ({norm}), after {found.renders:,} renders, "
        f"{found.slopes:,} of them differentiated"
    )


def difference(
    model: Fooled = options.MODEL,
    keep: Keeps = None,
    right: Right = None,
    target: Target = None,
    ranges: Ranges = None,
    to: Annotated[
        list[str] | None,
        typer.Option(help="PARAMETER=VALUE of another scene, repeatable: only what differs in it may change."),
    ] = None,
    renders: Renders = 400,
    object_: options.Object = None,
    background: options.Background = None,
    assignments: options.Set = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Find the fewest parameters that make a model wrong, or one wrong while another stays right."""
    from perturber.experiments.space import Space
    from perturber.service import InferenceService
    from perturber.service.seekers import difference_request

    start = options.scene(object_, background, assignments)
    if to and ranges:
        raise InvalidInputError("--to names another scene, whose values bound the parameters. Leave out --range.")
    space = Space.between(start, _other(start, to)) if to else _around(start, ranges)
    with InferenceService(options.settings(device)) as service:
        goal = _goal(service, start, model, keep, right, target)
        request = difference_request(service, space, goal, renders=renders)
        with progress_bar("scenes") as progress:
            found = service.wait(service.jobs.submit(request).id, progress)
        classes = service.model(model).classes
    report = {
        "start": start.as_dict(),
        "scene": None if found.scene is None else found.scene.as_dict(),
        "changed": _changed(start, found.scene),
        "renders": found.renders,
        "before": _named(found.before, classes),
        "after": _named(found.after, classes),
        "sentence": found.sentence,
    }
    if as_json:
        print_json(report)
        return
    print(found.sentence)
    if found.changed:
        _print(report)
    print(f"  after {found.renders:,} renders")


def _around(start: "SceneBase", ranges: list[str] | None) -> "Space":
    from perturber.experiments.space import Space, usual

    return Space.around(start, usual(start) if not ranges else tuple(span(start, text) for text in ranges))


def span(start: "SceneBase", text: str, reach: "Mapping[str, float] | None" = None) -> "Span":
    """A range as --range has it.

    Args:
        reach: parameter → how far to either side of the start it goes where there are no ends.

    Raises:
        InvalidInputError: it cannot be read.
    """
    from perturber.experiments.space import REACH, Span, usual

    key, separator, values = text.partition("=")
    if not separator:
        return usual(start, (key.strip(),), REACH if reach is None else reach)[0]
    return Span(key.strip(), *options.ends(text, values))  # type: ignore[arg-type]  # the parameter reads them


def _other(start: "SceneBase", assignments: list[str]) -> "SceneBase":
    return start.replace(**dict(options.assigned(one, "--to") for one in assignments))


def _goal(
    service: "InferenceService",
    start: "SceneBase",
    model: str,
    keep: str | None,
    right: list[str] | None,
    target: str | None,
) -> "Goal":
    from perturber.service.seekers import goal

    names = service.model(model).classes
    return goal(
        service,
        start,
        model,
        keep,
        classes=[find_class(names, word) for word in right or []],
        target=None if target is None else find_class(names, target),
    )


def _changed(start: "SceneBase", scene: "SceneBase | None") -> dict[str, Any]:
    """Parameter → its new value."""
    if scene is None:
        return {}
    return {key: value for key, value in scene.as_dict().items() if value != getattr(start, key)}


def _named(said: "Sequence[Said]", classes: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"model": one.model, "class": None if one.top < 0 else classes[one.top], "probability": one.probability}
        for one in said
    ]


def _print(report: dict[str, Any]) -> None:
    """The scene as options, and what each model says before and after."""
    from perturber.finite import written

    changed = " ".join(f"--set {key}={value}" for key, value in report["changed"].items())
    print(changed or "The scene itself does so already.")
    for one, other in zip(report["before"], report["after"], strict=True):
        said = (f"{side['class']} {written(side['probability'], '.1%')}" for side in (one, other))
        print(f"{one['model']}\n  {' → '.join(said)}")
