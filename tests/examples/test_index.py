"""Indexing against plain hooks and loops; the index as a file; patches against their boxes."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.examples import TOP, ExampleIndex, Indexing, build, index_path
from perturber.examples.index import cut
from perturber.zoo.pictures import Crop, read_picture


def run(network: zoo.Network, folder: Path, **options: int) -> tuple[Indexing, ExampleIndex]:
    indexing = Indexing(network, folder, **options)
    while not indexing.finished:
        indexing.step()
    return indexing, indexing.result()


def plain_top(network: zoo.Network, folder: Path, module: int) -> list[list[tuple[float, Path, int, int]]]:
    """For each channel of one module's output the best pictures: one picture at a time, one channel at a time."""
    seen: list[np.ndarray] = []
    handle = network.module[module].register_forward_hook(lambda _, __, given: seen.append(given[0].clone().numpy()))
    paths = []
    for path in sorted(folder.rglob("*"), key=lambda p: p.relative_to(folder).as_posix()):
        try:
            picture = Crop(size=32, resize=36)(read_picture(path))
        except InvalidInputError:
            continue
        paths.append(path)
        with torch.inference_mode():
            network.module(network.preprocess(torch.tensor(picture).permute(2, 0, 1)[None] / 255))
    handle.remove()
    channels = []
    for channel in range(len(seen[0])):
        rows = []
        for path, activations in zip(paths, seen, strict=True):
            row, column = np.unravel_index(activations[channel].argmax(), activations[channel].shape)
            rows.append((float(activations[channel].max()), path, int(row), int(column)))
        channels.append(sorted(rows, key=lambda r: -r[0])[:9])
    return channels


@pytest.mark.parametrize(("layer", "module"), [("0", 1), ("3", 3)])
def test_the_best_nine_are_those_of_a_plain_loop(network: zoo.Network, folder: Path, layer: str, module: int) -> None:
    indexing, index = run(network, folder, batch=5)
    assert (indexing.done, indexing.total, indexing.unreadable, index.unreadable) == (13, 13, 1, 1)
    expected = plain_top(network, folder, module)
    assert len(expected) == network.layers[layer].channels
    for channel, rows in enumerate(expected):
        found = index.top(layer, channel)
        assert [(e.path, e.row, e.column) for e in found] == [row[1:] for row in rows]
        np.testing.assert_allclose([e.value for e in found], [row[0] for row in rows], rtol=1e-5)


@pytest.mark.parametrize("batch", [1, 4, 13])
def test_batches_do_not_matter(network: zoo.Network, folder: Path, batch: int) -> None:
    (_, one), (_, other) = run(network, folder, batch=100), run(network, folder, batch=batch)
    for layer in network.layers:
        np.testing.assert_allclose(one.layers[layer].values, other.layers[layer].values, rtol=1e-5)
        for name in ("pictures", "rows", "columns"):
            np.testing.assert_array_equal(getattr(one.layers[layer], name), getattr(other.layers[layer], name))


def test_of_what_is_equal_the_first_counts(network: zoo.Network, tmp_path: Path) -> None:
    for i in range(11):
        Image.new("RGB", (32, 32), (90, 80, 70)).save(tmp_path / f"{i:02}.png")
    pointwise = zoo.Network(network.entry, torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1)))
    for batch in (1, 3, 11):
        _, index = run(pointwise, tmp_path, batch=batch)
        assert (index.layers["0"].pictures == np.arange(TOP)).all()
        assert not index.layers["0"].rows.any()
        assert not index.layers["0"].columns.any()


def test_few_pictures_leave_places_empty(network: zoo.Network, folder: Path) -> None:
    _, index = run(network, folder, limit=4)
    assert index.pictures == ("00.png", "04.PNG", "07.PNG", "sub/02.bmp")  # evenly spread
    assert [len(index.top("3", c)) for c in range(7)] == [4] * 7
    assert (index.layers["3"].pictures[:, 4:] == -1).all()
    assert np.isneginf(index.layers["3"].values[:, 4:]).all()


def test_what_is_not_a_number_is_kept_out(network: zoo.Network, folder: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1))
    module[0].bias.data[1] = torch.nan
    _, index = run(zoo.Network(network.entry, module), folder)
    assert len(index.top("0", 0)) == 9
    assert index.top("0", 1) == []


def test_places_in_large_maps(network: zoo.Network, tmp_path: Path) -> None:
    pixels = np.zeros((250, 250, 3), np.uint8)
    pixels[240, 7] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 1, 1))
    module[0].weight.data.fill_(1)
    large = zoo.Network(replace(network.entry, input_size=250, resize=250), module)
    example = run(large, tmp_path)[1].top("0", 0)[0]
    assert (example.row, example.column) == (240, 7)


def test_a_folder_is_refused_in_one_sentence(network: zoo.Network, tmp_path: Path) -> None:
    for name in ("no/such", "nul\0", "x" * 5000):
        with pytest.raises(InvalidInputError, match=r"^The(re is no)? folder"):
            Indexing(network, tmp_path / name)
    with pytest.raises(InvalidInputError, match=r"^The folder .* holds no pictures"):
        Indexing(network, tmp_path)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(InvalidInputError, match=r"^None of the pictures in .* can be read"):
        build(network, tmp_path)


def test_links_that_lead_out_are_not_followed(network: zoo.Network, folder: Path, tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "secret.png")
    (folder / "out.png").symlink_to(tmp_path / "secret.png")
    (folder / "circle.png").symlink_to(folder / "circle.png")
    (folder / "up").symlink_to(tmp_path)
    (folder / "in.png").symlink_to(folder / "00.png")
    os.mkfifo(folder / "pipe.png")
    pictures = Indexing(network, folder).pictures
    assert len(pictures) == 14
    assert "in.png" in pictures


def test_a_saved_index_is_the_same(network: zoo.Network, folder: Path, tmp_path: Path) -> None:
    (folder / os.fsdecode(b"n\xffme.png")).write_bytes((folder / "00.png").read_bytes())  # no UTF-8
    seen: list[tuple[int, int]] = []
    index = build(network, folder, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(14, 14)]
    path = index_path(tmp_path / "data", network.fingerprint)
    assert path == tmp_path / "data" / "examples" / f"{network.fingerprint}.npz"
    for _ in range(2):  # the second replaces the first
        index.save(path)
        assert list(path.parent.iterdir()) == [path]
    again = ExampleIndex.load(path)
    for name in ("model", "fingerprint", "folder", "pictures", "unreadable", "input_size", "resize"):
        assert getattr(again, name) == getattr(index, name)
    assert list(again.layers) == list(network.layers)
    for layer, tops in index.layers.items():
        for kept, expected in zip(again.layers[layer], tops, strict=True):
            assert kept.dtype == expected.dtype
            np.testing.assert_array_equal(kept, expected)


def test_a_broken_file_is_to_be_made_again(network: zoo.Network, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with pytest.raises(InvalidInputError, match="perturber examples index"):
        ExampleIndex.load(path)
    build(network, folder).save(path)
    good = path.read_bytes()
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(arrays["header"].tobytes())

    def written(**changes: np.ndarray) -> bytes:
        np.savez(path, **(arrays | changes))
        return path.read_bytes()

    def encoded(**changes: object) -> np.ndarray:
        return np.frombuffer(json.dumps(header | changes).encode(), np.uint8)

    np.save(tmp_path / "x.npy", np.array([{"a": "pickle"}], object))
    broken = [
        b"", b"PK", good[: len(good) // 2], good[:200] + bytes(300) + good[500:], (tmp_path / "x.npy").read_bytes(),
        written(header=encoded(format="perturber-examples-0")), written(header=encoded(layers=[])),
        written(header=encoded(pictures=["only one"])), written(values=arrays["values"][:, :5]),
        written(pictures=arrays["pictures"] - 5), written(rows=np.array([{}], object)),
    ]  # fmt: skip
    for content in broken:
        path.write_bytes(content)
        with pytest.raises(InvalidInputError, match=r"x\.npz' cannot be read. Index the folder again"):
            ExampleIndex.load(path)
    with pytest.raises(InvalidInputError, match="Cannot write"):
        build(network, folder).save(Path("/dev/null/x.npz"))


def test_unknown_neurons_are_refused(network: zoo.Network, folder: Path) -> None:
    index = build(network, folder, limit=2)
    with pytest.raises(UnknownNameError, match="layer of small"):
        index.top("9", 0)
    for channel in (-1, 5):
        with pytest.raises(InvalidInputError, match="Allowed: whole numbers, 0 to 4"):
            index.top("0", channel)


def test_a_patch_is_a_square_shifted_into_the_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for box, expected in {
        (4, 6, 12, 14): picture[4:12, 6:14],
        (-3, 27, 5, 35): picture[0:8, 24:32],  # over the top and the right border
        (10, 0, 11, 5): picture[8:13, 0:5],  # not square
        (-20, -20, 60, 60): picture,
        (-100, 3, 100, 4): picture,
    }.items():
        np.testing.assert_array_equal(cut(picture, box, len(expected)), expected)
    assert cut(picture, (0, 0, 3, 3), 96).shape == (96, 96, 3)


def test_a_patch_alone_gives_the_value_again(network: zoo.Network, folder: Path) -> None:
    index = build(network, folder)
    convolution, normalisation = network.module[0], network.module[1]
    inner = 0
    for channel in range(5):
        patches = index.patches(network.layers["0"], channel, size=3)
        for example, patch in zip(index.top("0", channel), patches, strict=True):
            if min(example.row, example.column) == 0:
                continue  # the border's zeros belong to the field
            inner += 1
            pixels = torch.tensor(patch).permute(2, 0, 1)[None] / 255
            inputs = (pixels - torch.tensor(network.entry.mean)[:, None, None]) / network.entry.std[0]
            with torch.inference_mode():
                value = normalisation(torch.nn.functional.conv2d(inputs, convolution.weight, convolution.bias))
            assert value[0, channel].item() == pytest.approx(example.value, rel=1e-4)
    assert inner > 30


def test_without_a_field_a_patch_is_the_whole_picture(network: zoo.Network, folder: Path) -> None:
    index = build(network, folder)
    patches = index.patches(replace(network.layers["3"], field=None), 2, size=32)
    for example, patch in zip(index.top("3", 2), patches, strict=True):
        np.testing.assert_array_equal(patch, Crop(size=32, resize=36)(read_picture(example.path)))


def test_a_missing_picture_leaves_its_place_empty(network: zoo.Network, folder: Path, tmp_path: Path) -> None:
    index = build(network, folder)
    layer = network.layers["3"]
    gone, broken, out = (example.path for example in index.top("3", 0)[:3])
    gone.unlink()
    broken.write_bytes(b"no picture")
    Image.new("RGB", (40, 40)).save(tmp_path / "secret.png")
    out.unlink()
    out.symlink_to(tmp_path / "secret.png")
    patches = index.patches(layer, 0)
    assert patches[:3] == [None] * 3
    assert [patch.shape for patch in patches[3:]] == [(96, 96, 3)] * 6


def test_a_network_of_the_catalogue_gives_the_values_again(photographs: Path) -> None:
    lite0 = zoo.load("efficientnet_lite0", "cpu", Settings(device="cpu"))
    index = build(lite0, photographs, limit=10)
    layer = lite0.layers["blocks.4.1"]
    example = index.top(layer.name, 30)[0]
    picture = Crop(size=224, resize=256)(read_picture(example.path))
    with torch.inference_mode():
        inputs = lite0.preprocess(torch.tensor(picture).permute(2, 0, 1)[None] / 255)
        activations = lite0.look(inputs, layers=(layer.name,), logits=False).activations[layer.name][0, 30]
    assert activations[example.row, example.column].item() == pytest.approx(example.value, rel=1e-3)
    assert activations.max().item() == pytest.approx(example.value, rel=1e-3)
    assert [patch.shape for patch in index.patches(layer, 30)] == [(96, 96, 3)] * 9
