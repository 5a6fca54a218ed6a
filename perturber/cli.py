"""Without a browser: run, look, render, parameters, evaluate, featurevis, train, examples, models, …, bench."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from perturber.cli_attack import attack
from perturber.cli_examples import examples_app
from perturber.cli_featurevis import featurevis
from perturber.cli_models import models_app
from perturber.cli_scenes import backgrounds_app, objects_app
from perturber.cli_train import train
from perturber.config import Settings
from perturber.errors import InvalidInputError, PerturberError
from perturber.parameters import PARAMETERS, Choice, Number
from perturber.scene import Scene, SceneBase

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
bench = typer.Typer(no_args_is_help=True, help="Measure, and print tables with medians.")
app.add_typer(bench, name="bench")
app.add_typer(objects_app, name="objects")
app.add_typer(backgrounds_app, name="backgrounds")
app.add_typer(examples_app, name="examples")
app.add_typer(models_app, name="models")

Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N; default: PERTURBER_DEVICE or auto.")]
Object = Annotated[str | None, typer.Option("--object", help="The pair of objects in the scene.")]
Background = Annotated[str | None, typer.Option(help="The picture behind the object.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="PARAMETER=VALUE; see `perturber parameters`.")]
Image = Annotated[Path | None, typer.Option(help="A picture file instead of the scene.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Entry point: a user's mistake is one sentence on stderr and exit code 2."""
    try:
        app()
    except PerturberError as error:
        print(f"perturber: {error}", file=sys.stderr)
        sys.exit(2)


def _settings(device: str | None = None, **changes: Any) -> Settings:
    if device is not None:
        changes["device"] = device
    return Settings(**changes)


def _scene(object_: str | None, background: str | None, assignments: list[str] | None) -> SceneBase:
    values: dict[str, object] = {"object": object_, "background": background}
    for assignment in assignments or []:
        key, separator, value = assignment.partition("=")
        if not separator:
            raise InvalidInputError(
                f"--set cannot be {assignment[:80]!r}. Write PARAMETER=VALUE, for example yaw=-23.3."
            )
        values[key.strip()] = value.strip()
    return Scene.parse({key: value for key, value in values.items() if value is not None})


@app.command()
def run(
    host: Annotated[str | None, typer.Option(help="Address to serve on.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port to serve on.", min=1, max=65535)] = None,
    device: Device = None,
) -> None:
    """Serve the dashboard."""
    from app import serve

    given = {key: value for key, value in {"host": host, "port": port}.items() if value is not None}
    serve(_settings(device, **given))


@app.command()
def look(
    model: Annotated[list[str] | None, typer.Option(help="Catalogue model; may be given several times.")] = None,
    object_: Object = None,
    background: Background = None,
    assignments: Set = None,
    image: Image = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Show a scene or a picture to networks and print their top-5."""
    from perturber.service import IMAGE_SIZE, InferenceService, LookRequest, SlotRequest
    from perturber.zoo.pictures import crop, read_picture

    scene = _scene(object_, background, assignments)
    picture = None if image is None else crop(read_picture(image), IMAGE_SIZE)
    slots = tuple(SlotRequest(model=name) for name in model or ["efficientnet_lite0"])
    with InferenceService(_settings(device)) as service:
        answer = service.look(LookRequest(scene=scene, image=picture, slots=slots))
    if as_json:
        source = {"image": str(image)} if image else {}
        results = [
            {
                "model": slot.model,
                "top": [vars(score) for score in slot.top or ()],
                "milliseconds": slot.milliseconds,
            }
            for slot in answer.slots
        ]
        report = {**source, "scene": scene.as_dict(), "device": answer.device, "results": results}
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return
    for slot in answer.slots:
        print(f"{slot.model}  ({slot.milliseconds:.0f} ms, {answer.device})")
        for score in slot.top or ():
            print(f"  {score.index:4d}  {score.logit:7.3f}  {score.probability:6.1%}  {score.name}")


@app.command()
def render(
    out: Annotated[Path, typer.Option(help="PNG file to write.")],
    object_: Object = None,
    background: Background = None,
    assignments: Set = None,
    image: Image = None,
    device: Device = None,
) -> None:
    """Write the model input: the 224 × 224 picture that networks would see."""
    from PIL import Image as Pillow

    from perturber.service import IMAGE_SIZE, InferenceService, LookRequest
    from perturber.zoo.pictures import crop, read_picture

    scene = _scene(object_, background, assignments)
    picture = None if image is None else crop(read_picture(image), IMAGE_SIZE)
    with InferenceService(_settings(device)) as service:
        answer = service.look(LookRequest(scene=scene, image=picture))
    try:
        Pillow.fromarray(answer.image).save(out, format="PNG")
    except OSError as error:
        raise InvalidInputError(f"Cannot write {str(out)!r}: {error.strerror or error}.") from error


@app.command()
def parameters(as_json: Json = False) -> None:
    """Print the table of scene parameters."""
    rows = []
    for p in PARAMETERS.values():
        row: dict[str, Any] = {"key": p.key, "label": p.label, "group": p.group, "default": p.default}
        if isinstance(p, Number):
            row |= {"minimum": p.minimum, "maximum": p.maximum, "step": p.step, "unit": p.unit}
        elif isinstance(p, Choice):
            row |= {"options": list(p.options)}
        rows.append({**row, "help": p.help})
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for p in PARAMETERS.values():
        print(f"{p.key:22} {p.default!s:>10}   {p.allowed}")
        print(f"{'':22} {p.help}")


@app.command()
def evaluate(
    model: Annotated[str, typer.Option(help="Catalogue model, or model@step for a checkpoint of it.")],
    images: Annotated[Path, typer.Option(help="Folder, tar or tar.gz with <wnid>_*.JPEG files or <wnid>/ folders.")],
    limit: Annotated[int | None, typer.Option(help="Use a fixed subset of this many pictures.", min=1)] = None,
    only: Annotated[Path | None, typer.Option(help="List of names: use only pictures that stand in it.")] = None,
    attack: Annotated[
        str | None, typer.Option(help="Also measure under this attack, such as pgd(l2=0.5,steps=10).")
    ] = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Measure top-1 and top-5 over labelled pictures."""
    from tqdm import tqdm

    from perturber.service import InferenceService
    from perturber.training.pool import read_stems
    from perturber.training.recipe import parse_attack

    listed = None if only is None else read_stems(only)
    against = None if attack is None else parse_attack(attack, model)
    with InferenceService(_settings(device)) as service, tqdm(unit=" pictures", file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        result = service.evaluate(model, images, limit=limit, only=listed, attack=against, progress=progress)
    if as_json:
        print(json.dumps({"model": model, "attack": against and str(against), **vars(result)}, indent=2))
        return
    print(f"{model}: top-1 {result.top1:.1%}, top-5 {result.top5:.1%} over {result.count} pictures")
    if result.robust_top1 is not None:
        print(f"under {against}: top-1 {result.robust_top1:.1%}, top-5 {result.robust_top5:.1%}")


app.command()(featurevis)
app.command()(attack)
app.command()(train)


@bench.command("look")
def bench_look(
    device: Device = None,
    rounds: Annotated[int, typer.Option(help="Measurements of each row.", min=3)] = 30,
    browser: Annotated[bool, typer.Option(help="Also measure the loop in a headless Chromium.")] = True,
) -> None:
    """Service, bare renderer and bare networks in one run, and the browser's loop."""
    from perturber.bench.look import run as measure

    measure(_settings(device), rounds=rounds, browser=browser)


@bench.command("render")
def bench_render(
    device: Device = None,
    rounds: Annotated[int, typer.Option(help="Measurements of each row.", min=3)] = 30,
) -> None:
    """The renderer beside VTK off-screen on the same mesh and size."""
    from perturber.bench.render import run as measure

    measure(_settings(device), rounds=rounds)


@bench.command("objects")
def bench_objects(
    device: Device = None,
    model: Annotated[list[str] | None, typer.Option(help="Catalogue model; may be given several times.")] = None,
) -> None:
    """What networks see in the built-in objects, from 28 sides."""
    from perturber.bench.objects import NETWORKS
    from perturber.bench.objects import run as measure

    measure(_settings(device), models=model or NETWORKS)


@bench.command("effects")
def bench_effects(
    device: Device = None,
    rounds: Annotated[int, typer.Option(help="Measurements of each row.", min=3)] = 20,
    batch: Annotated[int, typer.Option(help="Pictures in the batch.", min=1)] = 256,
) -> None:
    """What each effect costs a picture, alone and all together."""
    from perturber.bench.effects import run as measure

    measure(_settings(device), rounds=rounds, batch=batch)


@bench.command("models")
def bench_models(
    device: Device = None,
    model: Annotated[list[str] | None, typer.Option(help="Catalogue model; may be given several times.")] = None,
    rounds: Annotated[int, typer.Option(help="Measurements of each row.", min=3)] = 10,
) -> None:
    """Loading, forward to each stage, memory and editing of each model that is ready."""
    from perturber.bench.models import run as measure

    measure(_settings(device), models=model, rounds=rounds)


@bench.command("attack")
def bench_attack(
    device: Device = None,
    model: Annotated[str, typer.Option(help="Catalogue model.")] = "efficientnet_lite0",
    rounds: Annotated[int, typer.Option(help="Measurements of each row.", min=3)] = 20,
    batch: Annotated[int, typer.Option(help="Pictures in the larger batch.", min=1)] = 32,
) -> None:
    """A step of each attack beside a forward pass, and attacks beside torchattacks'."""
    from perturber.bench.attack import run as measure

    measure(_settings(device), model=model, rounds=rounds, batch=batch)


@bench.command("family")
def bench_family(
    images: Annotated[Path, typer.Option(help="Folder, tar or tar.gz with <wnid>_*.JPEG files or <wnid>/ folders.")],
    base: Annotated[
        str, typer.Option(help="Catalogue model that the others were trained from.")
    ] = "efficientnet_lite0",
    model: Annotated[list[str] | None, typer.Option(help="Trained from it; may be given several times.")] = None,
    stylised: Annotated[Path | None, typer.Option("--stylised", "--stylized", help="The same, redrawn.")] = None,
    only: Annotated[Path | None, typer.Option(help="List of names: use only pictures that stand in it.")] = None,
    attack: Annotated[str, typer.Option(help="On each network itself.")] = "pgd(l2=0.5,steps=10)",
    device: Device = None,
) -> None:
    """Trained networks beside their base: accuracies, where attacks' energy lies, how alike the stages answer."""
    from perturber.bench.family import run as measure
    from perturber.training.pool import read_stems
    from perturber.training.recipe import parse_attack

    measure(
        _settings(device),
        base=base,
        models=model,
        attack=parse_attack(attack, base),
        images=images,
        stylised=stylised,
        only=None if only is None else read_stems(only),
    )


@bench.command("featurevis")
def bench_featurevis(
    device: Device = None,
    model: Annotated[str, typer.Option(help="Catalogue model.")] = "efficientnet_lite0",
    layer: Annotated[str | None, typer.Option(help="A layer of it; default: a middle one.")] = None,
    neurons: Annotated[int, typer.Option(help="Neurons that are timed.", min=1)] = 8,
    steps: Annotated[int, typer.Option(help="Steps of Adam.", min=1)] = 128,
    size: Annotated[int, typer.Option(help="Side of the pictures in pixels.", min=32, max=512)] = 128,
    rounds: Annotated[int, typer.Option(help="Measurements of each row.", min=1)] = 1,
) -> None:
    """Feature visualisations beside Lucent's: time and final objective."""
    from perturber.bench.featurevis import run as measure

    measure(_settings(device), model=model, layer=layer, neurons=neurons, steps=steps, size=size, rounds=rounds)


if __name__ == "__main__":
    main()
