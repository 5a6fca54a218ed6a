"""The network that a training starts from: one of the catalogue, or an edit of some."""

from dataclasses import replace

import torch

from perturber import zoo
from perturber.config import Settings
from perturber.editing import Edit, Editor


def load_base(name: str, device: torch.device | str, settings: Settings) -> zoo.Network:
    """A network by its name, or one with weights made from others by an edit's text.

    Raises:
        InvalidInputError: there is no such network, its weights cannot be loaded, or the edit cannot be made.
    """
    if not Edit.is_edit(name):
        return zoo.load(name, device, settings)
    edit = Edit.parse(name)
    networks = [zoo.load(model, device, settings) for model in (edit.first, edit.second) if model is not None]
    edited = Editor(*networks).network(edit)
    return edited.copy(replace(edited.entry, label=" × ".join(network.entry.label for network in networks)))
