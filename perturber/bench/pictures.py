"""``perturber bench pictures``: whether the ready pictures are what the same recipe makes again."""

from itertools import groupby

import numpy as np
import torch

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.featurevis import Bundle, Optimisation, Recipe, Target, bundle_file, compress, key, read_contents
from perturber.featurevis.store import decode
from perturber.service.device import choose_device, describe
from perturber.zoo import Network, load
from perturber.zoo.evaluate import spread


def run(settings: Settings, *, model: str, count: int) -> None:
    """Print the table.

    Args:
        count: pictures to make again, evenly spread over the model's archive; all where it has fewer.

    Raises:
        InvalidInputError: the model has no ready pictures.
    """
    device = choose_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    network = load(model, device, settings)
    path = bundle_file(settings.models, network.entry.name)
    wanted = read_contents(path)
    if not wanted:
        raise InvalidInputError(f"{model} has no ready pictures.")
    chosen = spread(wanted, count)
    bundle = Bundle(path.parent)
    print(f"{describe(device)}, {model}, {len(chosen)} of {len(wanted)} ready pictures made again")
    print("Mean absolute difference of a picture, in 1/255, over all pictures; in brackets the largest of all pictures")
    print(f"\n{'':28}{'pictures':>10}{'equal files':>14}{'to the new file':>20}{'to the new picture':>22}")
    for (recipe, layer), part in groupby(chosen, lambda found: (found[1], found[0].layer)):
        targets = [target for target, _ in part]
        ready = [bundle.read(key(network.fingerprint, target, recipe)) for target in targets]
        _compare(
            f"{layer or 'classes'}, {'plain pixels' if recipe.naive else 'Fourier'}", ready, network, targets, recipe
        )


def _compare(title: str, ready: list[bytes | None], network: Network, targets: list[Target], recipe: Recipe) -> None:
    """Print a row."""
    optimisation = Optimisation(network, targets, recipe)
    while not optimisation.finished:
        optimisation.step()
    made = optimisation.pictures()
    files = [compress(pictures) for pictures in made]
    pairs = [
        (decode(old, "WEBP").astype(float), decode(new, "WEBP"), pictures)
        for old, new, pictures in zip(ready, files, made, strict=True)
        if old is not None
    ]
    equal = sum(old == new for old, new in zip(ready, files, strict=True))
    lossy = [float(np.abs(old - new).mean()) for old, new, _ in pairs]
    whole = [float(np.abs(old - pictures).mean()) for old, _, pictures in pairs]
    columns = (f"{np.mean(values):.2f} ({max(values):.2f})" for values in (lossy, whole))
    print(f"{title:28}{len(pairs):10}{equal:14}{next(columns):>20}{next(columns):>22}")
