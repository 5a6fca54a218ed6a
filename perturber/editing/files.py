"""Edited weights as files that say where they come from."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from perturber import zoo
from perturber.disk import write_whole
from perturber.editing.edit import Edit
from perturber.errors import InvalidInputError, StorageError

FORMAT = "perturber-edit-1"
"""Key of the provenance in a file's metadata; to be changed with what stands there."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where edited weights come from.

    Attributes:
        edit: its text, or None where the weights were not made by one.
        architecture: as in the catalogue.
        bases: name → fingerprint of the models that they were made from.
        date: when they were saved, ISO 8601, UTC.
        recalibrated: whether the statistics of the normalisations were taken anew.
    """

    edit: str | None
    architecture: str
    bases: dict[str, str]
    date: str
    recalibrated: bool


def save_edit(
    path: Path,
    network: zoo.Network,
    *,
    edit: Edit | None,
    bases: Mapping[str, str],
    recalibrated: bool = False,
) -> Provenance:
    """Write a network's weights to a safetensors file, with their provenance as JSON in its metadata.

    The file is whole or not there; one of this name is replaced.

    Args:
        path: ends with ``.safetensors``; its folder is made.
        network: whose weights are written.
        bases: name → fingerprint of the models that they were made from (`Editor.bases`).

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    provenance = Provenance(
        edit=None if edit is None else str(edit),
        architecture=network.entry.architecture,
        bases=dict(bases),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        recalibrated=recalibrated,
    )
    state = {name: _plain(tensor) for name, tensor in network.module.state_dict().items()}
    data = save(state, metadata={FORMAT: json.dumps(asdict(provenance), ensure_ascii=False)})
    try:
        write_whole(path, data)
    except OSError as error:
        raise StorageError(
            f"The weights cannot be saved to {str(path)!r}: {error.strerror or error}. "
            "Check the free space and permissions there."
        ) from error
    return provenance


def load_edit(path: Path) -> tuple[Edit | None, dict[str, Tensor], Provenance]:
    """Read what `save_edit` wrote; nothing in the file is ever run.

    Returns:
        The edit (None where the weights were not made by one), name → tensor, and where they come from.

    Raises:
        InvalidInputError: there is no such file, or `save_edit` has not written it.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {})[FORMAT]
            provenance = Provenance(**json.loads(header))
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        edit = None if provenance.edit is None else Edit.parse(provenance.edit)
    except FileNotFoundError:
        raise InvalidInputError(f"There is no file {str(path)!r}.") from None
    except (OSError, SafetensorError) as error:
        raise InvalidInputError(f"The file {path.name!r} cannot be read as safetensors: {error}.") from error
    except (KeyError, TypeError, ValueError, AttributeError, InvalidInputError) as error:
        raise InvalidInputError(
            f"The file {path.name!r} does not say where its weights come from; Perturber did not save it."
        ) from error
    return edit, state, provenance


def _plain(tensor: Tensor) -> Tensor:
    """In the order of a file, and of its own memory."""
    return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
