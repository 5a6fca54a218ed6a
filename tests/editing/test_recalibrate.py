"""Statistics against those of plain NumPy."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from perturber import zoo
from perturber.editing import Edit, Editor, Recalibration
from perturber.errors import InvalidInputError


def run(network: zoo.Network, batches: list[Tensor]) -> Recalibration:
    work = Recalibration(network, batches)
    while not work.finished:
        work.step()
        assert not any(part.training for part in work.network.module.modules())
    return work


def test_statistics_are_the_mean_of_the_batches(smalls: tuple[zoo.Network, ...], images: Tensor) -> None:
    editor = Editor(*smalls)
    network = editor.network(Edit.mix("one", "other", {"0": 0.5, "3": 0.5}))
    old = {name: tensor.clone() for name, tensor in network.module.state_dict().items()}
    batches = [images[:4], images[4:8], images[8:]]
    work = run(network, batches)
    assert (work.done, work.total) == (3, 3)
    with torch.inference_mode():
        seen = [network.module[0](network.preprocess(batch)).numpy() for batch in batches]
    means = np.mean([values.mean((0, 2, 3)) for values in seen], axis=0)
    variances = np.mean([values.transpose(1, 0, 2, 3).reshape(8, -1).var(1, ddof=1) for values in seen], axis=0)
    norm = work.network.module[1]
    np.testing.assert_allclose(norm.running_mean, means, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(norm.running_var, variances, rtol=1e-5)
    assert norm.momentum == nn.BatchNorm2d(1).momentum
    for name, tensor in network.module.state_dict().items():  # the editor's copy stays as it was
        assert torch.equal(tensor, old[name])
        if not name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            assert torch.equal(tensor, work.network.module.state_dict()[name])


def test_it_is_deterministic_and_has_a_fingerprint_of_its_own(smalls: tuple[zoo.Network, ...], images: Tensor) -> None:
    works = [run(smalls[0], [images[:5], images[5:]]) for _ in range(2)]
    prints = {work.network.fingerprint for work in works}
    assert len(prints) == 1
    assert smalls[0].fingerprint not in prints


def test_recalibrating_mends_a_mixture_of_rescaled_weights(smalls: tuple[zoo.Network, ...], images: Tensor) -> None:
    network = smalls[0]
    trained = run(network, [images]).network  # its statistics are its own pictures'
    broken = run(trained, [images]).network
    for number in (1, 4):
        broken.module[number].running_var.mul_(9)
    mended = run(broken, [images]).network
    inputs = network.preprocess(images)
    torch.testing.assert_close(mended.look(inputs).logits, trained.look(inputs).logits)


def test_what_cannot_be_recalibrated_is_said(smalls: tuple[zoo.Network, ...], images: Tensor) -> None:
    with pytest.raises(InvalidInputError, match="no pictures"):
        Recalibration(smalls[0], [])
    plain = zoo.Network(smalls[0].entry, nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    with pytest.raises(InvalidInputError, match="no batch normalisation"):
        Recalibration(plain, [images])


def test_a_long_pass_is_interrupted_behind_each_normalisation_and_measures_the_same(
    lite0: zoo.Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perturber.paced.TURN", 0)  # every pause counts, as where passes take long
    batches = torch.rand(2, 2, 3, 224, 224, generator=torch.Generator().manual_seed(1)).unbind()
    plain = lite0.copy()
    for part in plain.module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.reset_running_stats()
            part.train()
            part.momentum = None
    with torch.inference_mode():
        for batch in batches:
            plain.logits(batch)

    work = Recalibration(lite0, batches)
    measured: list[nn.Module] = []
    norms = [part for part in work.network.module.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.register_forward_hook(lambda norm, *_: measured.append(norm))
    while not work.finished:
        before = len(measured)
        work.step()
        assert len(measured) <= before + 1
        assert not any(norm.training for norm in norms)
    assert len(measured) == 2 * len(norms)
    ours, theirs = work.network.module.state_dict(), plain.module.state_dict()
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())
    own = [part for part in lite0.module.modules() if isinstance(part, nn.BatchNorm2d)]
    assert [norm.momentum for norm in norms] == [norm.momentum for norm in own]
