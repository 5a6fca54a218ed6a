"""``perturber bench models``: what each model of the catalogue costs: to load, to run to each stage, and to edit."""

from collections.abc import Callable
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.bench.timing import measure, table
from perturber.config import Settings
from perturber.editing import Edit, Editor, last_layers, units
from perturber.service import IMAGE_SIZE
from perturber.service.device import choose_device, describe

BARS_MS = {"cpu": 80, "cuda": 15}
"""An edit of all of EfficientNet-Lite0's weights: on two CPU cores, and on a GPU."""

BARRED = "efficientnet_lite0"

CHECKPOINT = "load a checkpoint"
CHECKPOINT_MS = 150
"""Where another network of its architecture is resident."""


def run(settings: Settings, *, models: list[str] | None = None, rounds: int = 10) -> None:
    """Print a table for each model.

    Args:
        models: names; by default all that are ready.
        rounds: measurements of each row.

    Raises:
        UnknownNameError: naming the catalogue's models.
    """
    device = choose_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    print(f"{describe(device)}, one picture of {IMAGE_SIZE} × {IMAGE_SIZE} pixels")
    for name in models or zoo.ready(settings):
        start = perf_counter()
        network = zoo.load(name, device, settings)
        first = (perf_counter() - start) * 1e3
        jobs = {"load again": lambda _, name=name: zoo.load(name, device, settings)}
        rows = {"load first": np.array([first]), **measure(jobs, rounds=3, warmup=0, device=device)}
        checkpoints = [f"{name}@{step}" for step in network.entry.steps]
        if checkpoints:
            rows |= measure({CHECKPOINT: _checkpoint(network, checkpoints, settings)}, rounds=rounds, device=device)
        rows |= measure(forwards(network), rounds=rounds, device=device)
        rows |= measure(edits(network), rounds=rounds, device=device)
        table(f"{name} ({network.memory / 2**20:.1f} MiB of weights)", rows)
        if name == BARRED and device.type in BARS_MS:
            bar = BARS_MS[device.type]
            slowest = max(float(np.median(rows[f"{mode} all units"])) for mode in ("mix", "prune"))
            print(f"An edit of all units: {slowest:.1f} ms (bar: {bar} ms)")
        if CHECKPOINT in rows:
            print(f"A checkpoint from the disk: {np.median(rows[CHECKPOINT]):.1f} ms (bar: {CHECKPOINT_MS} ms)")


def forwards(network: zoo.Network) -> dict[str, Callable[[int], object]]:
    """Name of a row → a forward pass up to the last layer of a stage, and through the whole network."""
    picture = torch.rand(1, 3, IMAGE_SIZE, IMAGE_SIZE, generator=torch.Generator().manual_seed(0)).to(network.device)
    with torch.inference_mode():
        inputs = network.preprocess(picture)
    jobs = {
        f"forward up to {stage}": _look(network, inputs, layer)
        for stage, layer in last_layers(network.module, network.layers).items()
    }
    return {**jobs, "forward": _look(network, inputs, None)}


def _checkpoint(network: zoo.Network, names: list[str], settings: Settings) -> Callable[[int], object]:
    return lambda number: zoo.load(names[number % len(names)], network.device, settings, siblings=[network])


def edits(network: zoo.Network) -> dict[str, Callable[[int], object]]:
    """Name of a row → writing an edit's weights that differ from those before in every unit, or in one."""
    stages = tuple(units(network.module, "stage"))
    rows = {}
    for which, changed in {"all units": stages, "one unit": stages[len(stages) // 2 :][:1]}.items():
        rows[f"mix {which}"] = _edit(Editor(network, network), network.entry.name, changed)
        rows[f"prune {which}"] = _edit(Editor(network), network.entry.name, changed)
    return rows


def _edit(editor: Editor, name: str, changed: tuple[str, ...]) -> Callable[[int], object]:
    def job(number: int) -> object:
        amount = 0.3 + 0.1 * (number % 2)  # another one each time
        if editor.mode == "mix":
            return editor.network(Edit.mix(name, name, dict.fromkeys(changed, amount)))
        return editor.network(Edit.prune(name, dict.fromkeys(changed, (amount, 1.0))))

    return job


def _look(network: zoo.Network, inputs: Tensor, layer: str | None) -> Callable[[int], object]:
    @torch.inference_mode()
    def job(_: int) -> object:
        return network.look(inputs, layers=() if layer is None else (layer,), logits=layer is None)

    return job
