"""``perturber models``: the catalogue of networks, and bringing their weights to this machine."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perturber.config import Settings
from perturber.errors import InvalidInputError

if TYPE_CHECKING:
    from perturber.zoo import ModelEntry

models_app = typer.Typer(no_args_is_help=True, help="Networks: list, pull, add your own, verify, remove.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Names = Annotated[list[str], typer.Argument(help="Names as `list` prints them.", show_default=False)]
Numbers = Annotated[
    str, typer.Option(help="Three numbers with commas, red, green and blue, in the [0, 1] pixel scale.")
]


@models_app.command("list")
def list_models(as_json: Json = False) -> None:
    """Print every network, and whether its weights are at hand or must be pulled."""
    from perturber import zoo

    settings = Settings()
    rows = [_row(entry, settings) for entry in zoo.entries(settings).values()]
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        print(f"{row['name']:22} {row['state']:12} {row['training']:12} {row['label']}")


def _row(entry: "ModelEntry", settings: Settings) -> dict[str, Any]:
    from perturber import zoo

    missing = "to be pulled" if entry.weights.source == "url" else "missing"
    return {
        "name": entry.name,
        "label": entry.label,
        "state": "ready" if zoo.is_ready(entry, settings) else missing,
        "own": entry.own,
        "training": entry.training,
        "architecture": entry.architecture,
        "licence": entry.licence,
        "classes": len(entry.class_list),
        "sha256": entry.weights.sha256,
        "from": dict(entry.weights.place),
    }


@models_app.command()
def pull(names: Names) -> None:
    """Download weights into PERTURBER_WEIGHTS; what broke off goes on where it stopped."""
    from tqdm import tqdm

    from perturber.zoo.catalogue import find
    from perturber.zoo.pull import pull as download

    settings = Settings()
    for entry in [find(name, settings) for name in names]:
        with tqdm(desc=entry.name, unit="B", unit_scale=True, unit_divisor=1024, file=sys.stderr) as bar:

            def progress(done: int, total: int | None, bar: tqdm = bar) -> None:
                bar.total = total
                bar.update(done - bar.n)

            path = download(entry, settings, progress)
        print(path)


@models_app.command()
def add(
    name: Annotated[str, typer.Argument(help="a-z, 0-9, _, . and -.", show_default=False)],
    weights: Annotated[
        str,
        typer.Argument(help="A .safetensors, .pth, .pt, .ckpt, .h5 or model.json file, or a URL.", show_default=False),
    ],
    architecture: Annotated[
        str,
        typer.Option(help="timm:NAME, torchvision:NAME, lucent:inceptionv1, or factory:PACKAGE.MODULE:FUNCTION."),
    ],
    classes: Annotated[
        str, typer.Option(help="imagenet1k, inception5h, or a text file with a class in each line, in their order.")
    ] = "imagenet1k",
    label: Annotated[str | None, typer.Option(help="Name in the interface; by default its name.")] = None,
    mean: Numbers = "0.485,0.456,0.406",
    std: Numbers = "0.229,0.224,0.225",
    input_size: Annotated[int, typer.Option(help="Side of its input in pixels.")] = 224,
    resize: Annotated[int | None, typer.Option(help="Shorter side before the crop; by default 8/7 of it.")] = None,
    layout: Annotated[str, typer.Option(help="How the keys are named; auto finds the usual wrappings.")] = "auto",
    sha256: Annotated[str, typer.Option(help="Of the file behind a URL.")] = "",
    training: Annotated[str, typer.Option(help="standard, adversarial, stylised or other.")] = "other",
    base: Annotated[str | None, typer.Option(help="The model that its training started from.")] = None,
    licence: Annotated[str, typer.Option(help="Of the weights.")] = "unknown",
) -> None:
    """Add a network of your own. A file stays where it is, and is loaded once to see that it fits."""
    from perturber.zoo import load, own
    from perturber.zoo.catalogue import find
    from perturber.zoo.classes import CLASS_LISTS
    from perturber.zoo.weights import digest

    settings = Settings()
    if base:
        find(base, settings)
    place: dict[str, str] = {"source": "url", "url": weights, "sha256": sha256}
    if local := not weights.startswith(("http://", "https://")):
        path = Path(weights).expanduser().resolve()
        if not path.is_file():
            raise InvalidInputError(f"There is no file {weights!r}; name one that holds weights.")
        place = {"source": "file", "path": str(path), "sha256": digest(path)}
    table: dict[str, Any] = {
        "label": label or name,
        "architecture": architecture,
        "licence": licence,
        "training": training,
        "classes": classes if classes in CLASS_LISTS else name,
        "mean": _numbers("mean", mean),
        "std": _numbers("std", std),
        "input_size": input_size,
        "resize": resize or round(input_size * 8 / 7),
        **({"base": base} if base else {}),
        **({} if classes in CLASS_LISTS else {"class_names": _class_names(Path(classes).expanduser())}),
        "weights": {**place, "layout": layout},
    }
    before = own.tables(settings).get(name)
    own.add(name, table, settings)
    try:
        if local:
            load(name, "cpu", settings)
    except InvalidInputError:
        own.put_back(name, before, settings)
        raise
    print(name)


def _numbers(name: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidInputError(f"--{name} cannot be {text[:80]!r}. Allowed: three numbers, as 0.5,0.5,0.5.") from None


def _class_names(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"The classes cannot be {str(path)!r}. Allowed: imagenet1k, inception5h, or a text file with a class "
            "in each line."
        ) from error


@models_app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="By default all that are ready.", show_default=False)
    ] = None,
) -> None:
    """Compute the weights' hashes again and compare them."""
    from perturber import zoo
    from perturber.zoo.catalogue import find
    from perturber.zoo.sources import weights_file
    from perturber.zoo.weights import expected
    from perturber.zoo.weights import verify as check

    settings = Settings()
    chosen = [find(name, settings) for name in names] if names else list(zoo.ready(settings).values())
    wrong = []
    for entry in chosen:
        try:
            path = weights_file(entry, settings)
            sha256 = expected(entry, path)
            check(path, sha256)
            print(f"{entry.name:22} {'as expected' if sha256 else 'there, but no hash of it is known'}")
        except InvalidInputError as error:
            wrong.append(str(error))
    if wrong:
        raise InvalidInputError(" ".join(wrong))


@models_app.command()
def remove(names: Names) -> None:
    """Delete pulled weights; a network of your own leaves the catalogue too, its file stays."""
    from perturber.zoo import own
    from perturber.zoo import pull as pulling
    from perturber.zoo.catalogue import find

    settings = Settings()
    for entry in [find(name, settings) for name in names]:
        if not entry.own or entry.weights.source == "url":
            pulling.remove(entry, settings)
        if entry.own:
            own.remove(entry.name, settings)
