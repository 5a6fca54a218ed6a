"""``perturber groups``: named groups of neurons, published or measured, and measuring them."""

from pathlib import Path
from typing import Annotated

import typer

from perturber.cli.options import Device, Json, settings
from perturber.cli.output import print_json, progress_bar
from perturber.config import Settings

groups_app = typer.Typer(no_args_is_help=True, help="List a network's groups of neurons, and find some.")

Name = Annotated[str, typer.Argument(help="Model in the catalogue.", show_default=False)]


@groups_app.command("list")
def list_groups(name: Name, as_json: Json = False) -> None:
    """List a network's groups: layer, name, how many channels, and which."""
    from perturber import zoo
    from perturber.zoo.catalogue import find

    chosen = Settings()
    found = zoo.neuron_groups(chosen.models, find(name, chosen).groups)
    rows = [(layer, group) for layer, groups in found.items() for group in groups]
    if as_json:
        print_json(
            [
                {
                    "layer": layer,
                    "group": group.name,
                    "count": len(group.channels),
                    "channels": list(group.channels),
                    "numbers": list(group.numbers),
                }
                for layer, group in rows
            ]
        )
        return
    for layer, group in rows:
        print(f"{layer:14} {group.name:24} {len(group.channels):3}  {','.join(map(str, group.channels))}")


@groups_app.command("find")
def find_groups(
    name: Name,
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    images: Annotated[
        Path | None, typer.Option(help="Labelled photographs to use beside the rendered views; a folder or tar.")
    ] = None,
    views: Annotated[int, typer.Option(help="Rendered views of each object.", min=2)] = 96,
    seed: Annotated[int, typer.Option(help="Chooses the views.", min=0)] = 0,
    device: Device = None,
) -> None:
    """Measure groups: colour, edges, curves and texture in early layers, the four objects in later ones."""
    import torch

    from perturber import zoo
    from perturber.groups import find, save
    from perturber.service.device import choose_device

    chosen = settings(device)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    network = zoo.load(name, choose_device(chosen.device), chosen)
    with progress_bar("pictures") as progress:
        finding = find(network, views=views, seed=seed, images=images, progress=progress)
    save(finding, out, network.entry, chosen)
    for layer, groups in finding.layers.items():
        print(f"{layer:14} {', '.join(f'{group} ({len(scores)})' for group, scores in groups.items())}")
