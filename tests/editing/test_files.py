"""Edited weights on disk."""

import errno
import json
import os
from datetime import datetime
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from perturber import zoo
from perturber.editing import Edit, Editor, load_edit, save_edit
from perturber.errors import InvalidInputError, StorageError


def test_what_was_saved_comes_back(tmp_path: Path, lite0: zoo.Network, noisy: zoo.Network) -> None:
    editor = Editor(lite0, noisy)
    edit = Edit.mix("efficientnet_lite0", "noisy", {"blocks.2": 0.5})
    network = editor.network(edit)
    path = tmp_path / "deep" / "mixed.safetensors"
    saved = save_edit(path, network, edit=edit, bases=editor.bases, recalibrated=True)
    found, state, provenance = load_edit(path)
    assert found == edit
    assert provenance == saved
    assert provenance.bases == {"efficientnet_lite0": lite0.fingerprint, "noisy": noisy.fingerprint}
    assert provenance.recalibrated
    assert datetime.fromisoformat(provenance.date).tzinfo is not None
    assert all(torch.equal(state[name], tensor) for name, tensor in network.module.state_dict().items())
    assert len(state) == len(network.module.state_dict())
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_weights_that_no_edit_made(tmp_path: Path, smalls: tuple[zoo.Network, ...]) -> None:
    save_edit(tmp_path / "one.safetensors", smalls[0], edit=None, bases={"one": "1"})
    found, _, provenance = load_edit(tmp_path / "one.safetensors")
    assert (found, provenance.edit, provenance.recalibrated) == (None, None, False)


def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, smalls: tuple[zoo.Network, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.safetensors"
    save_edit(path, smalls[0], edit=None, bases={})
    old = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        save_edit(path, smalls[1], edit=None, bases={})
    assert path.read_bytes() == old
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="There is no file"):
        load_edit(tmp_path / "missing.safetensors")
    (tmp_path / "text.safetensors").write_bytes(b"not tensors at all")
    with pytest.raises(InvalidInputError, match="cannot be read as safetensors"):
        load_edit(tmp_path / "text.safetensors")
    with pytest.raises(InvalidInputError):
        load_edit(tmp_path)
    tensors = {"x": torch.zeros(2)}
    whole = {"edit": None, "architecture": "a", "bases": {}, "date": "d", "recalibrated": False}
    headers = [None, {}, {"perturber-edit-1": "no JSON"}, {"perturber-edit-1": "[1]"}]
    headers.append({"perturber-edit-1": json.dumps(whole | {"edit": "mix(a)"})})
    headers.append({"perturber-edit-1": json.dumps(whole | {"edit": 3})})
    for header in headers:
        save_file(tensors, tmp_path / "other.safetensors", metadata=header)
        with pytest.raises(InvalidInputError, match="Perturber did not save it"):
            load_edit(tmp_path / "other.safetensors")
