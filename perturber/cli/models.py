"""``perturber models``: the catalogue of networks, and bringing their weights to this machine."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perturber.cli import options, pictures
from perturber.cli.options import Device, Json, Names
from perturber.cli.output import print_json, progress_bar
from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from perturber.zoo import Layer, ModelEntry

models_app = typer.Typer(no_args_is_help=True, help="List, pull, add, verify and remove networks.")

Numbers = Annotated[
    str | None,
    typer.Option(help="Three numbers separated by commas, for red, green and blue, or one, in the [0, 1] pixel scale."),
]


@models_app.command("list")
def list_models(as_json: Json = False) -> None:
    """List every network, and whether its weights are ready or must be pulled."""
    from perturber import zoo

    settings = Settings()
    rows = [_row(entry, settings) for entry in zoo.entries(settings).values()]
    if as_json:
        print_json(rows)
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
        "base": entry.base,
        "checkpoints": [f"{entry.name}@{step}" for step in entry.steps],
        "architecture": entry.architecture,
        "licence": entry.licence,
        "classes": len(entry.class_list),
        "sha256": entry.weights.sha256,
        "from": dict(entry.weights.place),
    }


@models_app.command()
def layers(
    name: Annotated[str, typer.Argument(help="Model in the catalogue.", show_default=False)], as_json: Json = False
) -> None:
    """List a network's layers: name, channels, size of their maps, and receptive field in pixels of the input."""
    from perturber import zoo

    network = zoo.load(name, "cpu", Settings())
    rows = [_layer_row(layer) for layer in network.layers.values()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        field = row["receptive_field"]
        seen = "the whole picture" if field is None else f"sees {field['height']} × {field['width']}"
        print(f"{row['name']:22} {row['channels']:5} channels  {row['height']:3} × {row['width']:<3}  {seen}")


def _layer_row(layer: "Layer") -> dict[str, Any]:
    field = layer.field
    seen = field and {"height": field.rows.size, "width": field.columns.size, "stride": field.rows.stride}
    size = {"channels": layer.channels, "height": layer.height, "width": layer.width}
    return {"name": layer.name, **size, "receptive_field": seen}


@models_app.command()
def pull(names: Names) -> None:
    """Download weights into PERTURBER_WEIGHTS; an interrupted download resumes where it stopped."""
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
    name: Annotated[str, typer.Argument(help="Name of the model: a-z, 0-9, _, . and -.", show_default=False)],
    weights: Annotated[
        str,
        typer.Argument(
            help="A file of safetensors, torch.save, Keras (HDF5), NumPy or TensorFlow.js (model.json), or a URL.",
            show_default=False,
        ),
    ],
    architecture: Annotated[
        str,
        typer.Option(help="timm:NAME, torchvision:NAME, lucent:inceptionv1, or factory:PACKAGE.MODULE:FUNCTION."),
    ],
    classes: Annotated[
        str | None,
        typer.Option(
            help="imagenet1k, inception5h, or a text file with one class per line, in the network's order. "
            "Default: imagenet1k, or numbers where the weights have not 1000 classes."
        ),
    ] = None,
    label: Annotated[str | None, typer.Option(help="Label in the interface; default: the name.")] = None,
    mean: Numbers = None,
    std: Numbers = None,
    input_size: Annotated[int | None, typer.Option(help="Side length of the input, in pixels.")] = None,
    resize: Annotated[int | None, typer.Option(help="Shorter side of a photograph before the centre crop.")] = None,
    interpolation: Annotated[
        str | None, typer.Option(help="For bringing it there: nearest, bilinear, bicubic or lanczos.")
    ] = None,
    layout: Annotated[
        str, typer.Option(help="How the tensors are named; auto recognises the usual wrappers.")
    ] = "auto",
    ema: Annotated[
        bool | None,
        typer.Option("--ema/--no-ema", help="Averaged or plain weights, where a file holds both. Default: averaged."),
    ] = None,
    normalisation: Annotated[
        str | None,
        typer.Option(help="file or given: which counts where the file carries another mean and std than those given."),
    ] = None,
    sha256: Annotated[str, typer.Option(help="SHA-256 of the file behind a URL.")] = "",
    training: Annotated[str, typer.Option(help="standard, adversarial, stylised or other.")] = "other",
    base: Annotated[str | None, typer.Option(help="Model that its training started from.")] = None,
    licence: Annotated[str, typer.Option(help="Licence of the weights.")] = "unknown",
) -> None:
    """Add a network of your own. A file stays where it is, and is loaded once to check that it fits.

    Mean, std, input size, resize and interpolation are those of --base where it has the same architecture, else those
    of timm or torchvision; they are printed, and each can be given.
    """
    from perturber.zoo.catalogue import find
    from perturber.zoo.classes import CLASS_LISTS
    from perturber.zoo.inspection import inspect
    from perturber.zoo.preprocessing import preprocessing

    settings = Settings()
    place = _place(weights, sha256)
    usual = preprocessing(architecture, weights, find(base, settings) if base else None)
    size = input_size if input_size and architecture.startswith("factory:") else usual.input_size
    inside = inspect(Path(place["path"]), architecture, size, layout=layout, ema=ema) if "path" in place else None
    given = {
        "mean": mean and _numbers("mean", mean),
        "std": std and _numbers("std", std),
        "input_size": input_size,
        "resize": resize or (input_size and round(input_size * usual.resize / usual.input_size)),
        "interpolation": interpolation,
    }
    given = {key: value for key, value in given.items() if value}
    shown = usual.with_weights(inside, given, normalisation) if inside else usual.with_given(given)
    named, lines = _classes(name, architecture, classes, inside.classes if inside else None)
    table: dict[str, Any] = {
        "label": label or name,
        "architecture": architecture,
        "licence": licence,
        "training": training,
        "classes": named,
        **shown.table,
        **({"base": base} if base else {}),
        **({} if named in CLASS_LISTS else {"class_names": lines}),
        "weights": {**place, "layout": layout, **({} if ema is None else {"ema": ema})},
    }
    notes = _add(name, table, settings)
    print(f"{name}: {shown}", file=sys.stderr)
    for note in (*shown.warnings, *notes):
        print(f"{name}: {note}", file=sys.stderr)
    if named not in CLASS_LISTS and classes is None:
        print(
            f"{name}: The weights have {len(lines)} classes; they are called {lines[0]} to {lines[-1]}. Name them with "
            "--classes FILE, one class per line.",
            file=sys.stderr,
        )
    print(name)


def _classes(name: str, architecture: str, given: str | None, count: int | None) -> tuple[str, list[str]]:
    """Name of the list of classes, and its lines where it is none of the project's; numbers where none is given."""
    from perturber.zoo.classes import CLASS_LISTS

    if given is None:
        usual = "inception5h" if architecture.startswith("lucent:") else "imagenet1k"
        known = next((key for key in (usual, "imagenet1k") if count in (None, len(CLASS_LISTS[key]))), None)
        return (known, []) if known else (name, [f"class {number}" for number in range(count or 0)])
    lines = [] if given in CLASS_LISTS else _class_names(Path(given).expanduser())
    found = len(lines or CLASS_LISTS[given])
    if count not in (None, found):
        raise InvalidInputError(
            f"The weights have {count} classes, but --classes {given[:80]} names {found}. Give a text file of {count} "
            "lines, one class per line in the network's order."
        )
    return (name, lines) if lines else (given, [])


def _place(weights: str, sha256: str) -> dict[str, str]:
    """Where weights come from, as a catalogue says it."""
    from perturber.zoo.weights import digest

    if weights.startswith(("http://", "https://")):
        return {"source": "url", "url": weights, "sha256": sha256}
    path = Path(weights).expanduser().resolve()
    if not path.is_file():
        raise InvalidInputError(f"There is no file {weights!r}. Give a file that holds weights, or a URL.")
    return {"source": "file", "path": str(path), "sha256": digest(path)}


def _add(name: str, table: dict[str, Any], settings: Settings) -> tuple[str, ...]:
    """Put a network into the catalogue; one from a file stays only if it can be loaded. Returns what is said of it."""
    from perturber.zoo import load, own

    before = own.tables(settings).get(name)
    own.add(name, table, settings)
    try:
        if table["weights"]["source"] == "file":
            return load(name, "cpu", settings).notes
    except InvalidInputError:
        own.put_back(name, before, settings)
        raise
    return ()


def _numbers(name: str, text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
        return numbers * 3 if len(numbers) == 1 else numbers
    except ValueError:
        raise InvalidInputError(
            f"--{name} cannot be {text[:80]!r}. Allowed: three numbers, such as 0.5,0.5,0.5, or one for all channels."
        ) from None


def _class_names(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"The classes cannot be {str(path)!r}. Allowed: imagenet1k, inception5h, or a text file with one class "
            "per line."
        ) from error


@models_app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Default: all that are ready.", show_default=False)] = None,
) -> None:
    """Check the weights against their known hashes."""
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
            print(f"{entry.name:22} {'as expected' if sha256 else 'there, but its hash is not known'}")
        except InvalidInputError as error:
            wrong.append(str(error))
    if wrong:
        raise InvalidInputError(" ".join(wrong))


@models_app.command()
def remove(names: Names) -> None:
    """Delete pulled weights. A network of your own also leaves the catalogue; its file stays."""
    from perturber.zoo import own
    from perturber.zoo import pull as pulling
    from perturber.zoo.catalogue import find

    settings = Settings()
    for entry in [find(name, settings) for name in names]:
        if not entry.own or entry.weights.source == "url":
            pulling.remove(entry, settings)
        if entry.own:
            own.remove(entry.name, settings)


@models_app.command("correlations")
def correlations(
    name: Annotated[str, typer.Argument(help="Network with checkpoints.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of models whose sub-folder training gets the result; the data folder without it."),
    ] = None,
    device: Device = None,
) -> None:
    """Correlate a network's activations and weights along its training, over variations of the first scene."""
    from perturber.scene import Scene
    from perturber.service import DevelopmentRequest, InferenceService, ManyPictures, kept
    from perturber.training import all_series
    from perturber.training.development import development_file, save_development

    chosen = options.settings(device)
    series = all_series(chosen)
    if name not in series:
        raise UnknownNameError("model with checkpoints", name, series)
    models = series[name].models
    with InferenceService(chosen) as service, progress_bar("batches") as progress:
        request = DevelopmentRequest(
            name=name,
            models=models,
            fingerprints=tuple(service.model(model).fingerprint for model in models),
            batch=ManyPictures(scene=Scene()),
        )
        found = kept(request, chosen) or service.wait(service.jobs.submit(request).id, progress)
    path = development_file(out or chosen.data, request.key(chosen))
    save_development(path, found)
    print(f"{name}: {len(found.layers)} layers at {len(models)} moments over {found.pictures} pictures in {path}")


models_app.command("pictures")(pictures.pictures)
