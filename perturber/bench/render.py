"""``perturber bench render``: our renderer beside VTK off-screen, same mesh, same size, same run."""

from collections.abc import Callable

import numpy as np
import torch

from perturber import objects
from perturber.bench.timing import measure, table
from perturber.bench.vtk_reference import VtkRenderer
from perturber.config import Settings
from perturber.objects import MorphPair
from perturber.objects.primitives import sphere_pair
from perturber.render import Renderer
from perturber.scene import Scene, SceneBase
from perturber.service.device import choose_device, describe

BATCH = 64
DISTANCE = 4.0


@torch.inference_mode()
def run(settings: Settings, *, rounds: int = 30) -> None:
    """Print the tables."""
    device = choose_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    print(f"{describe(device)}, 224 × 224 pixels, 2 × 2 supersampling")

    for pair in (sphere_pair(), *map(objects.pair, objects.names("object"))):
        _compare(pair, device, rounds)


def _compare(pair: MorphPair, device: torch.device, rounds: int) -> None:
    renderer = Renderer(device)
    renderer.add_pair(pair)
    vtk = {
        "VTK, 2 × 2 supersampling": VtkRenderer(pair, supersampling=2),
        "VTK, 4 multisamples": VtkRenderer(pair, multisamples=4),
    }

    def scenes(number: int, count: int) -> list[SceneBase]:
        base = Scene().model_copy(update={"object": pair.name, "pitch": 0.0, "distance": DISTANCE})
        return [base.model_copy(update={"yaw": float((7 * (number * count + i)) % 360)}) for i in range(count)]

    def draw_with(reference: VtkRenderer) -> Callable[[int], object]:
        return lambda n: reference.render(yaw=7.0 * n % 360, distance=DISTANCE)

    jobs: dict[str, Callable[[int], object]] = {
        "Perturber, batch 1": lambda n: renderer.foreground(scenes(n, 1)).cpu(),
        **{name: draw_with(reference) for name, reference in vtk.items()},
    }
    single = measure(jobs, rounds=rounds, device=device)
    batched = measure(
        {f"Perturber, batch {BATCH}": lambda n: renderer.foreground(scenes(n, BATCH)).cpu()},
        rounds=max(3, rounds // 8),
        warmup=1,
        device=device,
    )
    rows = {**single, **batched}
    title = f"{pair.label}, {len(pair.faces)} triangles: time per picture"
    table(title, rows, per={f"Perturber, batch {BATCH}": BATCH})
    ours, ours_batched = (
        np.median(single["Perturber, batch 1"]),
        np.median(next(iter(batched.values()))) / BATCH,
    )
    for name in vtk:
        theirs = np.median(single[name])
        print(f"ratio {name} / ours: batch 1 {theirs / ours:.2f}, batch {BATCH} {theirs / ours_batched:.2f}")
