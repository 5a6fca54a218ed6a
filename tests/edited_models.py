"""A second network of an architecture that is there, for what takes two."""

import torch
from safetensors.torch import save_file

from perturber import zoo
from perturber.config import Settings
from perturber.zoo import own

LITE0, LITE1, TWIN = "efficientnet_lite0", "efficientnet_lite1", "noisy"


def twin(settings: Settings, name: str = TWIN, *, noise: float = 0.05) -> str:
    """Put a copy of Lite0 with noise on its weights into the user's catalogue."""
    base = zoo.entry(LITE0, settings.models)
    generator = torch.Generator().manual_seed(0)
    state = {}
    for key, tensor in zoo.load(LITE0, "cpu", settings).module.state_dict().items():
        state[key] = tensor.clone(memory_format=torch.contiguous_format)
        if tensor.is_floating_point():
            factors = 1 + noise * torch.randn(tensor.shape, generator=generator)
            state[key] *= factors.abs() if key.endswith("running_var") else factors
    settings.data.mkdir(parents=True, exist_ok=True)
    save_file(state, settings.data / f"{name}.safetensors")
    table = {
        "label": name.title(),
        "architecture": base.architecture,
        "licence": base.licence,
        "training": "other",
        "classes": base.classes,
        "mean": list(base.mean),
        "std": list(base.std),
        "input_size": base.input_size,
        "resize": base.resize,
        "weights": {"source": "file", "path": f"{name}.safetensors", "layout": "same"},
    }
    own.add(name, table, settings)
    return name
