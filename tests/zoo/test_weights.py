"""Weights are data: nothing in a file runs, and what does not fit is named."""

import contextlib
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from perturber.errors import InvalidInputError
from perturber.zoo.fitting import fit
from perturber.zoo.reading import read_parts
from perturber.zoo.weights import verify


class Malicious:
    """Touches a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".pth.tar"])
@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, protocol=2))])
def test_a_pickle_with_code_is_refused_and_does_not_run(write, suffix: str, tmp_path: Path) -> None:
    path, target = tmp_path / f"weights{suffix}", tmp_path / "touched"
    write({"state_dict": {"weight": torch.zeros(1)}, "args": Malicious(target)}, path)
    with pytest.raises(InvalidInputError, match=rf"'weights{suffix}' was refused.*torch.save\(model.state_dict\(\), '"):
        read_parts(path)
    assert not target.exists()
    with contextlib.suppress(RuntimeError):  # a bare pickle is no checkpoint
        torch.load(path, weights_only=False)
    assert target.exists()  # it would have run


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04broken"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".h5", ".json"])
def test_a_broken_file_is_refused(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match="weights"):
        read_parts(path)


def test_both_formats_give_the_same_tensors(tmp_path: Path) -> None:
    state = {"a": torch.rand(3), "b": torch.rand(2, 2)}
    torch.save(state, tmp_path / "w.pth")
    save_file(state, tmp_path / "w.safetensors")
    for name in ("w.pth", "w.safetensors"):
        read = read_parts(tmp_path / name)[""]
        assert all(torch.equal(read[key], state[key]) for key in state)


def test_what_holds_no_tensors_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "w.pth")
    with pytest.raises(InvalidInputError, match="state dict"):
        read_parts(tmp_path / "w.pth")


def test_the_first_keys_that_differ_are_named() -> None:
    module = nn.Linear(3, 2)
    with pytest.raises(InvalidInputError, match=r"missing bias; surplus extra; weight is \(1, 3\) instead of \(2, 3\)"):
        fit({"": {"weight": torch.zeros(1, 3), "extra": torch.zeros(1)}}, module, "w.pth")


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"x")
    with pytest.raises(InvalidInputError, match="not the expected file"):
        verify(tmp_path / "w.pth", "0" * 64)
