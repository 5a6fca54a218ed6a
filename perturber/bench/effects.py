"""``perturber bench effects``: what each effect costs a picture, alone and all together, one by one and in a batch."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from perturber import effects
from perturber.bench.timing import measure, table
from perturber.config import Settings
from perturber.parameters import PARAMETERS, Number
from perturber.scene import Scene, SceneBase
from perturber.service import IMAGE_SIZE
from perturber.service.device import choose_device, describe

BATCH = 256
ALL_BUT_CORRUPTIONS = "all but corruptions"
BAR_MS = 25


@torch.inference_mode()
def run(settings: Settings, *, rounds: int = 20, batch: int = BATCH) -> None:
    """Print the tables."""
    device = choose_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    print(f"{describe(device)}, {IMAGE_SIZE} × {IMAGE_SIZE} pixels, every parameter away from its default")
    scenes = scenes_to_measure()
    single = torch.rand(1, 3, IMAGE_SIZE, IMAGE_SIZE, generator=torch.Generator().manual_seed(0)).to(device)
    times = measure(_jobs(scenes, single), rounds=rounds, device=device)
    table("One picture", times)
    print(f"{ALL_BUT_CORRUPTIONS}: {np.median(times[ALL_BUT_CORRUPTIONS]):.1f} ms (bar on two CPU cores: {BAR_MS} ms)")
    many = single.expand(batch, -1, -1, -1).contiguous()
    times = measure(_jobs(scenes, many), rounds=3, warmup=1, device=device)
    table(f"A batch of {batch} in one pass: time per picture", times, per=dict.fromkeys(times, batch))


def scenes_to_measure() -> dict[str, SceneBase]:
    """Name of a row → the scene that is measured; the first changes nothing, the second nearly everything."""
    moved = {key: _elsewhere(p) for key, p in PARAMETERS.items() if isinstance(p, Number)}
    used = [key for effect in effects.EFFECTS for key in effect.keys if key in moved]
    mild = {key: moved[key] for key in used if not key.startswith("corruption_")}
    rows = {"nothing": Scene(), ALL_BUT_CORRUPTIONS: Scene.parse(mild)}
    for effect in effects.EFFECTS:
        keys = [key for key in effect.keys if key in moved]
        name = effect.keys[0] if len(effect.keys) < 3 else "frequency decomposition"
        rows[name] = Scene.parse({key: moved[key] for key in keys})
    return rows


def _elsewhere(parameter: Number) -> float:
    """A value inside the range that is not the default."""
    value = parameter.default + 0.4 * (parameter.maximum - parameter.default)
    if value == parameter.default:
        value = parameter.minimum + 0.4 * (parameter.default - parameter.minimum)
    return round(value) if parameter.whole else value


def _jobs(scenes: Mapping[str, SceneBase], images: Tensor) -> dict[str, Callable[[int], object]]:
    def job(scene: SceneBase) -> Callable[[int], object]:
        return lambda _: effects.apply(images, [scene] * len(images))

    return {name: job(scene) for name, scene in scenes.items()}
