"""Weights that are damaged anywhere are read, or refused in a sentence."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from fuzzing import fuzz
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from perturber.errors import InvalidInputError
from perturber.zoo.reading import read_parts

STATE = {"conv.weight": torch.arange(54.0).reshape(2, 3, 3, 3), "bn.num_batches_tracked": torch.tensor(7)}


def torch_file(zipped: bool) -> bytes:
    file = io.BytesIO()
    torch.save({"state_dict": STATE, "epoch": 3}, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, **{name: tensor.numpy() for name, tensor in STATE.items()})
    return file.getvalue()


def keras() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as tree:
        group = tree.create_group("conv/conv")
        tree.attrs["layer_names"], tree["conv"].attrs["weight_names"] = [b"conv"], [b"conv/kernel:0"]
        group.create_dataset("kernel:0", data=np.zeros((3, 3, 3, 2), np.float32))
    return file.getvalue()


KINDS: dict[str, Callable[[], bytes]] = {
    "a.safetensors": lambda: save(STATE),
    "a.pth": lambda: torch_file(True),
    "a.pt": lambda: torch_file(False),
    "a.npz": npz,
    "a.h5": keras,
}
INSERTED = st.binary(max_size=6) | st.sampled_from(
    [b"\xff" * 8, bytes(8), b'"shape":[999999999,999999999]', b"cos\nsystem\n(S'true'\ntR.", b"\x80\x02", b"PK\x03\x04"]
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), INSERTED), min_size=1, max_size=4)


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_read_where_it_is_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(KINDS[name]())
    assert any(read_parts(path).values())


@pytest.mark.parametrize("name", KINDS)
@fuzz(60)
@given(edits=EDITS, end=st.floats(0, 1) | st.just(1.0))
def test_damaged_files(
    tmp_path_factory: pytest.TempPathFactory, name: str, edits: list[tuple[float, int, bytes]], end: float
) -> None:
    content = KINDS[name]()
    content = content[: int(end * len(content))]
    for place, gone, inserted in edits:
        at = int(place * len(content))
        content = content[:at] + inserted + content[at + gone :]
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(content)
    parts, sentence = {}, "None."
    try:
        parts = read_parts(path)
    except InvalidInputError as error:
        sentence = str(error)
    assert sentence.endswith((".", "?"))
    assert "\n" not in sentence
    assert all(isinstance(tensor, torch.Tensor) for state in parts.values() for tensor in state.values())


@fuzz(60)
@given(
    tree=st.recursive(
        st.none() | st.integers() | st.text(max_size=8) | st.floats(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    )
)
def test_any_plain_content(tmp_path_factory: pytest.TempPathFactory, tree: object) -> None:
    folder = tmp_path_factory.mktemp("plain")
    (folder / "a.pt").write_bytes(pickle.dumps(tree))
    (folder / "model.json").write_text(json.dumps({"weightsManifest": [{"paths": ["x.bin"], "weights": tree}]}))
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(tree))
    for path in folder.iterdir():
        with pytest.raises(InvalidInputError):
            read_parts(path)
