"""Rankings of a layer's channels against plain hooks on the network's modules."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from perturber.errors import InvalidInputError
from perturber.scene import Scene
from perturber.service import InferenceService, RankRequest
from perturber.service.engine import LocalEngine

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"
LAYER = "blocks.6.0"
"""Has no non-linearity behind it: what the module gives out is what the layer shows."""


@pytest.fixture
def request_(picture: np.ndarray) -> RankRequest:
    return RankRequest(by="active", scene=Scene(), image=picture, model=LITE0, layer=LAYER, count=320)


@pytest.fixture
def plain(engine: LocalEngine, picture: np.ndarray) -> Callable[..., tuple[Tensor, Tensor]]:
    """A module's output (C, h, w) for the picture times a factor, and the logits (1000,)."""
    module = engine.network(LITE0).module

    def run(name: str, factor: float = 1.0) -> tuple[Tensor, Tensor]:
        pixels = torch.tensor(picture).permute(2, 0, 1)[None].float() * factor
        kept: list[Tensor] = []
        handle = module.get_submodule(name).register_forward_hook(lambda _, __, output: kept.append(output))
        with torch.enable_grad():
            logits = module(((pixels - 127) / 128).requires_grad_())
        handle.remove()
        return kept[0], logits[0]

    return run


def check(service: InferenceService, request: RankRequest, expected: Tensor) -> None:
    """The whole ranking, and that `count` cuts it."""
    ranking = service.rank(request)
    scores = expected.detach().numpy()
    assert sorted(ranking.channels) == list(range(len(scores)))
    tolerance = 1e-4 * np.abs(scores).max()
    np.testing.assert_allclose(ranking.scores, scores[list(ranking.channels)], atol=tolerance)
    np.testing.assert_allclose(ranking.scores, np.sort(scores)[::-1], atol=tolerance)
    few = service.rank(replace(request, count=3))
    assert (few.channels, few.scores) == (ranking.channels[:3], ranking.scores[:3])
    assert service.rank(replace(request, count=10**6)) == ranking


def test_rank_by_mean_activation(service: InferenceService, request_: RankRequest, plain) -> None:
    maps, _ = plain(LAYER)
    check(service, request_, maps[0].mean((1, 2)))


def test_rank_by_difference_to_a_reference(service: InferenceService, request_: RankRequest, plain) -> None:
    now, then = (plain(LAYER, factor)[0][0] for factor in (0.5, 1))
    request = replace(request_, by="changed", scene=Scene(alpha=0.5), reference=Scene())
    check(service, request, (now - then).abs().mean((1, 2)))
    still = service.rank(replace(request, reference=request.scene))
    assert set(still.scores) == {0.0}


@pytest.mark.parametrize("chosen", [None, 281])
def test_rank_by_relevance_for_a_class(
    service: InferenceService, request_: RankRequest, plain, chosen: int | None
) -> None:
    maps, logits = plain(LAYER)
    (gradient,) = torch.autograd.grad(logits.max() if chosen is None else logits[chosen], maps)
    check(service, replace(request_, by="relevant", class_index=chosen), (gradient * maps)[0].sum((1, 2)))


def test_rank_by_difference_of_two_layers(service: InferenceService, request_: RankRequest, plain) -> None:
    ours, theirs = plain("blocks.5.1")[0][0], plain("blocks.5.2")[0][0]
    request = replace(request_, by="differ", layer="blocks.5.1", other=(LITE0, "blocks.5.2"))
    check(service, request, (ours - theirs).abs().mean((1, 2)))


def test_rank_for_a_scene_with_a_plane(service: InferenceService) -> None:
    """The plane's picture is fetched as for a look, for both scenes."""
    plane, other = (Scene(plane=True, plane_neuron=f"{LITE0}/blocks.0.0:{channel}") for channel in (6, 7))
    request = RankRequest(by="changed", scene=plane, reference=other, model=LITE0, layer="blocks.0.0")
    assert len(service.rank(request).channels) == 8
    with pytest.raises(InvalidInputError, match="no channel '99'"):
        service.rank(replace(request, reference=Scene(plane=True, plane_neuron=f"{LITE0}/blocks.0.0:99")))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"by": "changed"}, "There is no reference scene yet"),
        ({"by": "differ"}, "Only one model is shown"),
        (
            {"by": "differ", "other": (LITE1, LAYER)},
            f"{LAYER} of {LITE0} and {LAYER} of {LITE1} cannot be compared channel by channel: "
            r"320 × 7 × 7 and 320 × 8 × 8\. Choose layers of the same shape",
        ),
        ({"by": "differ", "other": (LITE1, "nothing")}, f"Unknown layer of {LITE1} 'nothing'"),
        ({"layer": "nothing"}, f"Unknown layer of {LITE0} 'nothing'"),
        ({"model": "alexnet"}, "Unknown model 'alexnet'"),
        ({"by": "relevant", "class_index": 1000}, "no class '1000'. Allowed: whole numbers, 0 to 999"),
        ({"by": "relevant", "class_index": -1}, "no class '-1'"),
        ({"count": 0}, "0 channels cannot be ranked. Allowed: whole numbers from 1"),
        ({"image": np.zeros((9, 9, 3), np.uint8)}, "224 × 224"),
    ],
)
def test_invalid_rank_requests_are_refused(
    service: InferenceService, request_: RankRequest, changes: dict, sentence: str
) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        service.rank(replace(request_, **changes))
