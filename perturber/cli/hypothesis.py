"""``perturber hypothesis``: what neurons are selective for, and to what they are invariant."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perturber.cli import options
from perturber.cli.output import finite, print_json, progress_bar, write_file
from perturber.errors import InvalidInputError

if TYPE_CHECKING:
    from perturber.service.works.hypothesis import Hypothesis

ENDINGS = (".csv", ".json")


def hypothesis(
    model: Annotated[str, typer.Argument(help="Model in the catalogue.", show_default=False)],
    neurons: Annotated[
        str, typer.Argument(help="LAYER:CHANNELS, such as blocks.3.0:5 or blocks.3.0:0-3,7.", show_default=False)
    ],
    ranges: Annotated[
        list[str] | None,
        typer.Option(
            "--range",
            help="PARAMETER=LOW:HIGH, or PARAMETER in its usual range; repeatable. Default: camera, morph, texture, "
            "light, background and some post-processing, each about its value in the scene.",
        ),
    ] = None,
    views: Annotated[int, typer.Option(help="Random views around the scene, half of them held out.")] = 60,
    pooling: Annotated[str, typer.Option(help="mean or max, over the neuron's map.")] = "mean",
    seed: Annotated[int, typer.Option(help="Of whatever is random.", min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option(help="File to write: .csv for the table, .json with the responses, too.")
    ] = None,
    object_: options.Object = None,
    background: options.Background = None,
    assignments: options.Set = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Find out which parameters of scenes neurons depend on, and which they do not, on views held out for the test."""
    if out is not None and out.suffix.lower() not in ENDINGS:
        raise InvalidInputError(f"{out.name!r} does not end like a file of a hypothesis: {', '.join(ENDINGS)}.")
    from perturber.cli.adversary import span
    from perturber.cli.featurevis import parse_numbers
    from perturber.experiments.hypothesis import MOVED, REACH
    from perturber.service import InferenceService
    from perturber.service.hypotheses import hypothesis_request, seconds
    from perturber.zoo import check_layer

    start = options.scene(object_, background, assignments)
    spans = [span(start, text, REACH) for text in ranges or MOVED]
    layer, separator, channels = neurons.rpartition(":")
    if not separator:
        raise InvalidInputError(f"{neurons[:80]!r} names no neurons. Write LAYER:CHANNELS, for example blocks.3.0:5.")
    with InferenceService(options.settings(device)) as service:
        info = service.model(model)
        check_layer(info.name, info.layers, layer)
        count = info.layers[layer].channels
        chosen = parse_numbers(channels, count, lambda ends: check_layer(info.name, info.layers, layer, ends))
        request = hypothesis_request(
            service, start, model, layer, chosen, spans, views=views, pooling=pooling, seed=seed
        )
        print(f"{request.pictures:,} pictures: some {seconds(service, request):.0f} s", file=sys.stderr)
        with progress_bar("pictures") as progress:
            found: Hypothesis = service.wait(service.jobs.submit(request).id, progress)
    if out is not None:
        _write(found, out)
    if as_json:
        print_json(found.told(responses=False))
        return
    _print(found)


def _write(found: "Hypothesis", out: Path) -> None:
    import json

    if out.suffix.lower() == ".csv":
        content = found.csv()
    else:
        content = json.dumps(finite(found.told()), ensure_ascii=False, allow_nan=False)
    write_file(content.encode(), out)


def _print(found: "Hypothesis") -> None:
    from perturber.experiments.smallest import named, written

    print("Effects in standard deviations of the response; [95 % intervals]; q: adjusted for all tests together")
    for text, findings in zip(found.sentences, found.findings, strict=True):
        print(f"\n{text}")
        for span, one in zip(found.spans, findings, strict=bool(findings)):
            moved = f"{named(span.key)} {written(span.key, span.low)} to {written(span.key, span.high)}"
            interval, direction = f"[{one.low:5.2f}, {one.high:5.2f}]", f"{one.stronger} > {one.weaker}"
            change = f"change {one.change[0]:.2f} (at most {one.change[1]:.2f})"
            print(f"  {moved:48}{one.effect:7.2f}  {interval}  q {one.q:.3f}  {direction:13}  {change}  {one.verdict}")
