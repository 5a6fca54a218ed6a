"""What was done, in sentences for a paper's methods section: with the true values, and the works behind them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from perturber import __version__
from perturber.attack import METHODS, NORMS, Attack
from perturber.config import Settings
from perturber.editing import Edit
from perturber.effects import EFFECTS
from perturber.featurevis import Recipe
from perturber.featurevis.optimisation import LEARNING_RATE
from perturber.parameters import PARAMETERS, Parameter
from perturber.scene import SceneBase
from perturber.service import IMAGE_SIZE
from perturber.zoo.catalogue import ModelEntry, find

ARCHITECTURES = {
    "timm:tf_efficientnet_lite": "[@tan2019; @liu2020]",
    "lucent:inceptionv1": "[@szegedy2015]",
    "torchvision:googlenet": "[@szegedy2015]",
    "torchvision:resnet": "[@he2016]",
    "timm:resnet": "[@he2016]",
    "torchvision:vgg": "[@simonyan2015]",
    "timm:vgg": "[@simonyan2015]",
}
"""Beginning of an architecture's name → where it was published."""

LIBRARIES = {
    "timm": ", as in timm [@wightman2019],",
    "torchvision": ", as in torchvision,",
    "lucent": ", as in Lucent [@kiat2020],",
}

OF_METHODS = {
    "pgd": "projected gradient descent [@madry2018]",
    "fgsm": "the fast gradient sign method [@goodfellow2015]",
    "mifgsm": "the momentum iterative fast gradient sign method [@dong2018]",
    "sparse": "sparse projected gradient descent [@croce2019]",
}
"""Key of a method of attack → its name and where it was published."""

ROBUST_RESNETS = "resnet50_l"
"""Beginning of the names of the networks of Salman et al."""

HASH_DIGITS = 16


def tool() -> str:
    """What everything was made with."""
    return (
        f"Pictures were rendered and networks evaluated with Perturber {__version__}, which follows "
        "[@sietzen2021; @sietzen2022], in PyTorch [@paszke2019]."
    )


# ---- networks -----------------------------------------------------------------------------------------------------


def network(name: str, fingerprint: str, settings: Settings) -> list[str]:
    """A network: what it is, which weights it has, how it was trained as far as that is known.

    Args:
        name: in the catalogue, ``name@step`` for a checkpoint, or the text of an edit.
        fingerprint: SHA-256 of its weights and of what else it computes with.
    """
    if Edit.is_edit(name):
        return edited(Edit.parse(name), fingerprint)
    entry = find(name, settings)
    library, _, architecture = entry.architecture.partition(":")
    published = next((at for begins, at in ARCHITECTURES.items() if entry.architecture.startswith(begins)), "")
    weights = f"weights with SHA-256 {entry.weights.sha256[:HASH_DIGITS]}…, " if entry.weights.sha256 else ""
    classes = f"{len(entry.class_list)} classes"
    if entry.classes in ("imagenet1k", "inception5h"):
        classes += " of ImageNet [@deng2009; @russakovsky2015]"
    said = (
        f"{entry.label} (`{name}`) is {architecture}{published and f' {published}'}{LIBRARIES.get(library, '')}"
        + f" with {classes} ({weights}fingerprint {fingerprint[:HASH_DIGITS]}…)."
    )
    return [said, *_training(name, entry, settings)]


def _training(name: str, entry: ModelEntry, settings: Settings) -> Iterator[str]:
    recipe = _recipe(Path(str(entry.weights.place.get("path", ""))))
    if recipe:
        yield _trained(entry.label, name, entry, recipe)
    elif name.startswith(ROBUST_RESNETS):
        how = "on adversarial examples [@madry2018]" if entry.training == "adversarial" else "on plain pictures"
        yield f"{entry.label} was trained {how} by [@salman2020]."
    elif entry.training == "stylised" and not entry.own:
        yield f"{entry.label} was trained on Stylized-ImageNet by [@geirhos2019]."
    elif entry.training != "standard":
        base = f", from `{entry.base}`" if entry.base else ""
        yield f"Its catalogue calls the training of {entry.label} {entry.training}{base}."


def _trained(label: str, name: str, entry: ModelEntry, recipe: dict[str, Any]) -> str:
    """What a checkpoint's own recipe says."""
    parts = [
        f"{recipe['steps']} steps of {recipe['batch']} pictures at {recipe['size']} × {recipe['size']} pixels",
        f"with {'AdamW [@loshchilov2019]' if recipe.get('optimiser', 'adamw') == 'adamw' else 'SGD'}, "
        f"learning rate {recipe['lr']:g}, weight decay {recipe['weight_decay']:g}",
    ]
    if recipe["kind"] == "adversarial":
        attack = Attack.parse(str(recipe["attack"]))
        parts.append(f"on adversarial examples [@madry2018] from {_how(attack)}")
        if recipe.get("attack_warmup"):
            parts.append(f"ε rising over the first {recipe['attack_warmup']} steps")
    elif recipe["kind"] == "stylised":
        parts.append(f"a share of {recipe['stylised_share']:g} of the pictures redrawn in other styles [@geirhos2019]")
    if recipe["distil"]:
        parts.append(f"a weight of {recipe['distil']:g} on the base's own predictions [@hinton2015]")
    step = f"; its state after step {name.partition('@')[2]} is used here" if "@" in name else ""
    return f"{label} was fine-tuned from `{entry.base}`: {', '.join(parts)} (seed {recipe['seed']}){step}."


def _recipe(path: Path) -> dict[str, Any]:
    """That of the training that has written a file; empty where it is none of ours."""
    try:
        with safe_open(path, framework="pt") as file:
            told = (file.metadata() or {}).get("perturber-checkpoint-1", "{}")
        recipe = json.loads(told).get("recipe", {})
    except (OSError, SafetensorError, ValueError, AttributeError):
        return {}
    needed = {"kind", "steps", "batch", "size", "lr", "weight_decay", "attack", "stylised_share", "distil", "seed"}
    return recipe if isinstance(recipe, dict) and needed <= recipe.keys() else {}


def edited(edit: Edit, fingerprint: str) -> list[str]:
    """Weights that were mixed or pruned."""
    print_ = f"(fingerprint {fingerprint[:HASH_DIGITS]}…)"
    if edit.mode == "mix":
        amounts = ", ".join(f"{unit} {alpha:g}" for unit, alpha in edit.amounts) or "none"  # type: ignore[misc]
        return [
            f"The edited network {print_} interpolates the weights of `{edit.first}` and `{edit.second}` "
            f"[@wortsman2022]: W = (1 − α) W₁ + α W₂ with α for {amounts}, and 0 elsewhere."
        ]
    ranges = ", ".join(f"{unit} {low:g} to {high:g}" for unit, low, high in edit.amounts) or "none"  # type: ignore[misc]
    return [
        f"The edited network {print_} is `{edit.first}` with filters switched off by the rank of their mean absolute "
        f"weight [@li2017]; of all ranks from 0 to 1 these stay: {ranges}, and all elsewhere."
    ]


# ---- the picture --------------------------------------------------------------------------------------------------


def scene(of: SceneBase) -> list[str]:
    """The picture that the networks see, and what was changed in it."""
    changes = of.changes()
    shown = {key: value for key, value in changes.items() if key not in _idle(of) | {"object", "background"}}
    what = "a plane with a feature visualisation" if of.plane else f"the object `{of.object}`"
    light = ", lit after [@blinn1977]" if getattr(of, "lighting_influence", 0) and not of.plane else ""
    said = [
        f"The networks' input shows {what} before the background `{of.background}`{light}, rendered at "
        f"{IMAGE_SIZE} × {IMAGE_SIZE} pixels."
    ]
    plain = [key for key in shown if not key.startswith("corruption_") and key != "custom_code" and key != "plane"]
    if plain:
        said.append(
            f"Parameters that differ from their defaults: {', '.join(_value(key, shown[key]) for key in plain)}."
        )
    if {"texture_blur", "background_blur"} & shown.keys():
        said.append("Textures and backgrounds are blurred by levels of their mip maps [@williams1983].")
    if "patch_shuffle" in shown:
        said.append("Patches are shuffled as in [@zhang2019].")
    corruptions = [key for key in shown if key.startswith("corruption_") and key != "corruption_seed"]
    if corruptions:
        named = ", ".join(f"{PARAMETERS[key].label} {shown[key]:g}" for key in corruptions)
        seed = of.corruption_seed
        said.append(f"Corruptions of ImageNet-C [@hendrycks2019] at these severities: {named} (seed {seed:g}).")
    if any(key in shown for key in _FREQUENCY):
        said.append(
            f"For the frequency decomposition, the low band is the picture blurred by a Gaussian of σ = {of.cutoff:g} "
            "pixels, the high band the rest."
        )
    if "custom_code" in shown or "custom_value" in shown:
        said.append(f"Each pixel is changed by the GLSL code `{' '.join(str(of.custom_code).split())}`.")
    return said


_FREQUENCY = tuple(key for key, one in PARAMETERS.items() if one.group == "Frequency Decomposition" and key != "cutoff")


def _idle(of: SceneBase) -> set[str]:
    """Parameters that change nothing in this scene."""
    idle = {key for one in EFFECTS if not one.works_on(of) for key in one.keys}
    return idle | ({"plane_neuron"} if not of.plane else set())


def _value(key: str, value: Any) -> str:
    row: Parameter = PARAMETERS[key]
    number = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    unit = getattr(row, "unit", "")
    return f"{row.label} {number}{'' if unit == '°' or not unit else ' '}{unit}"


# ---- attacks ------------------------------------------------------------------------------------------------------


def attacked(attack: Attack, *, alpha: float = 1.0, original: float = 1.0) -> list[str]:
    """The attack on the picture.

    Args:
        alpha, original: shares of the perturbation and of the picture that are shown.
    """
    towards = "away from its class" if attack.target is None else f"towards class {attack.target}"
    said = [f"The input was attacked on `{attack.model}`, {towards}, by {_how(attack)}."]
    if (alpha, original) != (1.0, 1.0):
        said.append(f"Shown are {alpha:g} of the perturbation and {original:g} of the picture.")
    return said


def _how(attack: Attack) -> str:
    norm = NORMS[attack.norm]
    scale = " pixels" if norm.whole else f" in the [0, 1] pixel scale (= {attack.epsilon * 255:.3g}/255)"
    steps = f"{attack.steps} step{'s' if attack.steps != 1 else ''}"
    parts = [f"{norm.label} norm, ε = {attack.epsilon:g}{scale}", f"{steps} of size {attack.step:g}"]
    if attack.random_start:
        parts.append(f"from a random start with seed {attack.seed}")
    elif METHODS[attack.method].has_random_start:
        parts.append("from the picture itself")
    if attack.has_momentum:
        parts.append(f"momentum {attack.decay:g}")
    return f"{OF_METHODS.get(attack.method, METHODS[attack.method].label)}: {', '.join(parts)}"


def curve(method: str, norm: str, epsilons: Sequence[float], steps: int, count: int, *, seed: int | None) -> str:
    """Robustness over ε.

    Args:
        seed: of the random start; None without one.
    """
    by = "AutoAttack [@croce2020]" if method == "autoattack" else OF_METHODS["sparse" if norm == "l0" else "pgd"]
    how = (
        "" if method == "autoattack" else f", {steps} steps" + ("" if seed is None else f", random start, seed {seed}")
    )
    values = ", ".join(f"{one:g}" for one in epsilons)
    return f"Accuracy under {by} was measured on {count} pictures, {NORMS[norm].label} norm, at ε = {values}{how}."


# ---- inside networks ----------------------------------------------------------------------------------------------


def activations(pairs: Iterable[tuple[str, str, Sequence[int]]]) -> str:
    """Maps that are shown.

    Args:
        pairs: model, layer and channels.
    """
    shown = "; ".join(f"`{model}` {layer}: {', '.join(map(str, channels))}" for model, layer, channels in pairs)
    return f"Activations are those before the non-linearity, of these channels: {shown}."


def visualised(recipe: Recipe, objective: str) -> str:
    """Feature visualisations."""
    what = "the middle unit of each channel" if objective == "neuron" else "the mean of each channel's map"
    how = "of pixels" if recipe.naive else "of Fourier coefficients of decorrelated colours"
    several = f", {recipe.variants} variants pushed apart by their diversity" if recipe.variants > 1 else ""
    return (
        f"Feature visualisations [@olah2017], made as in Lucent [@kiat2020], maximise {what}: {recipe.steps} steps "
        f"of Adam [@kingma2015] (learning rate {LEARNING_RATE:g}) {how}, {recipe.size} × {recipe.size} pixels, seen "
        f"padded, shifted, scaled and rotated at random{several} (seed {recipe.seed})."
    )


def explained(of: int | str) -> str:
    """Grad-CAM and the input's gradient."""
    whose = "of each network's most probable class" if of == "top" else f"of class {of}"
    return f"Grad-CAM [@selvaraju2017] and the gradient of the input [@simonyan2014] explain the logit {whose}."
