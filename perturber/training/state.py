"""A training on the disk: what it goes on from, and the weights that are kept.

Both are safetensors files with JSON in their metadata, where a hash of the tensors stands, too; they are whole or not
there, and nothing in them is ever run.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from perturber.disk import write_whole
from perturber.errors import InvalidInputError, StorageError
from perturber.training.norms import folded
from perturber.training.trainer import Trainer
from perturber.zoo.weights import digest, hash_file

RESUME = "perturber-training-1"
CHECKPOINT = "perturber-checkpoint-1"
"""Keys in a file's metadata; to be changed with what stands there."""

WEIGHTS, MOMENTS = "weights/", {"adamw": ("exp_avg", "exp_avg_sq"), "sgd": ("momentum_buffer",)}
"""Beginnings of a tensor's name: the network's, and what each optimiser remembers for a parameter."""

State = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where the weights of a checkpoint come from.

    Attributes:
        step: updates before it.
        epoch: pictures seen, over those that there are.
        recipe: the training's recipe, as JSON has it.
        base: name of the model that it started from.
        fingerprint: of that model.
        data: hash of the listing of the pictures.
    """

    step: int
    epoch: float
    recipe: dict[str, Any]
    base: str
    fingerprint: str
    data: str


def save_training(path: Path, trainer: Trainer, sums: Mapping[str, float]) -> None:
    """Write everything that the next steps depend on, in float32.

    Args:
        sums: running totals of the log since its last line.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    state = {f"{WEIGHTS}{name}": tensor for name, tensor in trainer.module.state_dict().items()}
    for name, parameter in trainer.parameters.items():
        known = trainer.optimiser.state.get(parameter, {})
        state |= {f"{moment}/{name}": known[moment] for moment in _moments(trainer) if moment in known}
    _write(path, state, RESUME, {"step": trainer.done, "sums": dict(sums), **_identity(trainer)})


def load_training(path: Path, trainer: Trainer) -> dict[str, float]:
    """Bring a trainer to where it was when `save_training` wrote this.

    Returns:
        The sums.

    Raises:
        InvalidInputError: the file is corrupt, or belongs to another recipe, other pictures or another base.
    """
    state, found = _read(path, RESUME)
    try:
        for key, expected in _identity(trainer).items():
            if found[key] != expected:
                raise InvalidInputError(
                    f"The training in {str(path)!r} has {DIFFERENCES[key]}. Resume it with its own, or choose "
                    "another --out."
                )
        step, sums = int(found["step"]), {str(name): float(value) for name, value in found["sums"].items()}
        weights = {name.removeprefix(WEIGHTS): value for name, value in state.items() if name.startswith(WEIGHTS)}
        trainer.module.load_state_dict(weights)
        for name, parameter in trainer.parameters.items() if step else ():
            trainer.optimiser.state[parameter] = {
                "step": torch.tensor(float(step)),
                # Laid out as the parameter is: the next update computes as it would have without a break.
                **{
                    moment: torch.empty_like(parameter).detach().copy_(state[f"{moment}/{name}"])
                    for moment in _moments(trainer)
                },
            }
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise InvalidInputError(f"The file {str(path)!r} does not hold a training run that can be resumed.") from error
    trainer.done = step
    return sums


DIFFERENCES = {
    "recipe": "another recipe",
    "data": "other pictures",
    "base": "another base",
}


def save_checkpoint(path: Path, trainer: Trainer) -> Provenance:
    """Write the weights in float16, what it cannot hold in float32, with their provenance; and beside it their hash.

    Inserted normalisations are folded (see `perturber.training.norms`): the file fits the base's architecture.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    provenance = Provenance(
        step=trainer.done,
        epoch=epoch(trainer),
        recipe=trainer.recipe.model_dump(mode="json"),
        base=trainer.base.entry.name,
        fingerprint=trainer.base.fingerprint,
        data=trainer.batches.pool.digest,
    )
    state = {name: _half(tensor.detach()) for name, tensor in folded(trainer.module).items()}
    _write(path, state, CHECKPOINT, asdict(provenance))
    try:
        write_whole(hash_file(path), f"{digest(path)}\n".encode("ascii"))
    except OSError as error:
        raise _full(path, error) from error
    return provenance


def read_checkpoint(path: Path) -> tuple[State, Provenance]:
    """Read what `save_checkpoint` wrote.

    Raises:
        InvalidInputError: there is no such file, it is truncated or corrupt, or it does not say where it comes from.
    """
    state, found = _read(path, CHECKPOINT)
    try:
        return state, Provenance(**found)
    except TypeError as error:
        raise InvalidInputError(f"The file {str(path)!r} does not say where its weights come from.") from error


def epoch(trainer: Trainer) -> float:
    """Pictures seen, over those that there are."""
    recipe = trainer.recipe
    seen = trainer.done * (recipe.batch - round(recipe.scenes * recipe.batch))
    return seen / max(1, trainer.batches.pool.count)


def _identity(trainer: Trainer) -> dict[str, str]:
    """What must be the same for a training to go on."""
    return {
        "recipe": trainer.recipe.digest,
        "data": trainer.batches.pool.digest,
        "base": trainer.base.fingerprint,
    }


def _moments(trainer: Trainer) -> tuple[str, ...]:
    return MOMENTS[trainer.recipe.optimiser]


def _half(tensor: Tensor) -> Tensor:
    """In float16 where it is a float that fits."""
    half = tensor.half() if tensor.is_floating_point() else tensor
    return half if bool(torch.isfinite(half).all()) else tensor


def _write(path: Path, state: State, kind: str, told: Mapping[str, Any]) -> None:
    plain = {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()}
    # One key alone: safetensors writes several in any order, and equal states are to be equal files.
    metadata = {kind: json.dumps({**told, "sha256": _hash(plain)}, ensure_ascii=False)}
    try:
        write_whole(path, save(plain, metadata=metadata))
    except OSError as error:
        raise _full(path, error) from error


def _full(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{str(path)!r} cannot be written: {error.strerror or error}. Free some space, then repeat the command."
    )


def _read(path: Path, kind: str) -> tuple[State, dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        told = json.loads(metadata[kind])
        if told.pop("sha256") != _hash(state):
            raise ValueError("its tensors have changed since they were written")
    except FileNotFoundError:
        raise InvalidInputError(f"There is no file {str(path)!r}.") from None
    except (OSError, SafetensorError, KeyError, ValueError, AttributeError) as error:
        raise InvalidInputError(
            f"The file {str(path)!r} is truncated or corrupt and cannot be used. Delete it, then repeat the command."
        ) from error
    return state, told


def _hash(state: State) -> str:
    found = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name]
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(
            tensor.contiguous().view(-1).view(torch.uint8).numpy().data if tensor.ndim else str(tensor.item()).encode()
        )
    return found.hexdigest()
