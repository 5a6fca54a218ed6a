"""``perturber test``: whether what parts two scenes does the same to networks elsewhere, too."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perturber.cli import options
from perturber.cli.attack import find_class
from perturber.cli.output import print_json, print_notes, progress_bar, write_file
from perturber.errors import InvalidInputError

if TYPE_CHECKING:
    from perturber.config import Settings
    from perturber.experiments.claims import Claim
    from perturber.experiments.tested import Outcome
    from perturber.scene import SceneBase
    from perturber.service import InferenceService

ENDINGS = (".csv", ".json")
REPORTS = (".html", ".pdf")
STATE_BYTES = 2**20

Scene = Annotated[
    str, typer.Argument(help="A link of the app, or a .json file of parameters as others write it.", show_default=False)
]


def claim(
    a: Scene,
    b: Scene,
    model: options.Models = None,
    measure: Annotated[
        str, typer.Option(help="probability, logit, margin or correct, with :CLASS; without, of the objects' classes.")
    ] = "probability",
    object_: Annotated[
        list[str] | None, typer.Option("--object", help="NAME, or NAME:0 or :1 for one end of a pair; repeatable.")
    ] = None,
    background: Annotated[list[str] | None, typer.Option(help="Repeatable; default: A's.")] = None,
    seeds: Annotated[str, typer.Option(help="Of what is random in the scenes: 0,1,2; default: A's.")] = "",
    views: Annotated[int, typer.Option(help="Of each object before each background.")] = 5,
    ranges: Annotated[
        list[str] | None,
        typer.Option(
            "--range", help="yaw=40, pitch=10 or distance=0.5: by how much views differ from A's; repeatable."
        ),
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of pictures, in place of scenes.")] = None,
    pictures: Annotated[int, typer.Option(help="Of --images.")] = 100,
    seed: Annotated[int, typer.Option(help="Of views and resamples.", min=0)] = 0,
    report: Annotated[
        Path | None, typer.Option(help=".html or .pdf file: pictures, method, settings and hashes.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write: .csv for the pairs, .json for all.")] = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Test over many pairs of pictures what two scenes have shown once."""
    if out is not None and out.suffix.lower() not in ENDINGS:
        raise InvalidInputError(f"{out.name!r} does not end like a file of a test: {', '.join(ENDINGS)}.")
    if report is not None and report.suffix.lower() not in REPORTS:
        raise InvalidInputError(f"{report.name!r} does not end like a report: {', '.join(REPORTS)}.")
    from perturber.service import InferenceService
    from perturber.service.claim_pictures import report_of
    from perturber.service.claims import claim_request, seconds

    models = list(dict.fromkeys(model or [options.MODEL]))
    settings = options.settings(device)
    scenes = _scene(a, settings), _scene(b, settings)
    with InferenceService(settings) as service:
        asked = _claim(service, models[0], measure, scenes, {
            "things": object_, "backgrounds": background, "seeds": seeds, "views": views, "ranges": ranges,
            "pictures": pictures if images is not None else 0, "seed": seed,
        })  # fmt: skip
        request = claim_request(service, asked, models, folder=images)
        took = seconds(service, request)
        print(f"{len(asked):,} pairs × {len(models)} networks: some {took:.0f} s", file=sys.stderr)
        with progress_bar("pairs") as progress:
            found: Outcome = service.wait(service.jobs.submit(request).id, progress)
        if report is not None:
            write_file(report_of(service, found, pdf=report.suffix.lower() == ".pdf"), report)
    if out is not None:
        write_file((found.csv() if out.suffix.lower() == ".csv" else found.json()).encode(), out)
    if as_json:
        print_json(found.summary())
        return
    _print(found)


def _scene(text: str, settings: "Settings") -> "SceneBase":
    """The scene of a link, or in a file."""
    from perturber.scene import Scene as Parsed
    from perturber.sessions.scenes import scene_of

    path = Path(text)
    if path.suffix.lower() != ".json":
        return scene_of(text, settings).scene
    try:
        with path.open("rb") as file:
            told: Any = json.loads(file.read(STATE_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{text[:80]!r} cannot be read as a scene: {error}.") from error
    told = told.get("scene", told) if isinstance(told, dict) else told
    if not isinstance(told, dict):
        raise InvalidInputError(f"{text[:80]!r} holds no parameters of a scene.")
    return Parsed.parse(told)


def _claim(
    service: "InferenceService",
    model: str,
    measure: str,
    scenes: "tuple[SceneBase, SceneBase]",
    given: dict[str, Any],
) -> "Claim":
    from perturber.experiments.claims import CAMERA, OF_THE_OBJECT, Claim, Thing
    from perturber.service.claims import class_key

    kind, _, word = measure.partition(":")
    wanted = class_key(service, model, find_class(service.model(model).classes, word)) if word else OF_THE_OBJECT
    widths = dict(CAMERA)
    for text in given["ranges"] or []:
        key, width = options.assigned(text, "--range", "PARAMETER=WIDTH", "yaw=40")
        try:
            widths[key] = float(width)
        except ValueError:
            raise InvalidInputError(f"--range cannot be {text[:80]!r}. Write a number, for example yaw=40.") from None
    return Claim(
        a=scenes[0],
        b=scenes[1],
        kind=kind,  # type: ignore[arg-type]  # it is checked there
        wanted=wanted,
        things=tuple(Thing.parse(one) for one in given["things"] or []),
        backgrounds=tuple(given["backgrounds"] or []),
        seeds=read_seeds(given["seeds"]),
        views=given["views"],
        camera=tuple(widths.items()),
        pictures=given["pictures"],
        seed=given["seed"],
    )


def read_seeds(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between.

    Raises:
        InvalidInputError: something else.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in parts):
        raise InvalidInputError(f"Seeds cannot be {text[:80]!r}. Write whole numbers with commas between: 0,1,2.")
    return tuple(map(int, parts))


def _print(found: "Outcome") -> None:
    from perturber.finite import written

    print(f"{found.sentence}\n{found.about}\n{found.independence}\n")
    print(f"{'effect (' + found.unit + ')':44} {'object':22} {'mean':>8}  {'95 % interval':18} {'p':>8} {'Holm':>8}")
    for row in found.rows:
        name = " − ".join(found.labels[model] for model in row.models)
        interval = "" if row.low != row.low else f"[{row.low:.3g}, {row.high:.3g}]"
        p, holm = (written(value, ".4f") if value == value else "" for value in (row.p, row.holm))
        print(f"{name:44} {row.group or 'all':22} {row.mean:8.3g}  {interval:18} {p:>8} {holm:>8}")
    print_notes("Note", found.notes)
