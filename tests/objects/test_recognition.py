"""Real networks see in the library's objects what they are meant to be, from 28 sides."""

import pytest
import torch

from perturber import zoo
from perturber.bench.objects import NETWORKS, SUBJECTS, VIEWS, Recognition, draw, recognise
from perturber.config import Settings
from perturber.render import Renderer
from perturber.zoo.classes import IMAGENET_1K


@pytest.fixture(scope="module")
def pictures() -> dict[str, torch.Tensor]:
    renderer = Renderer()
    with torch.inference_mode():
        return {name: draw(subject, renderer) for name, subject in SUBJECTS.items()}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request: pytest.FixtureRequest) -> zoo.Network:
    return zoo.load(request.param, device="cpu", settings=Settings())


@pytest.mark.parametrize("name", SUBJECTS)
def test_recognised_from_every_side(name: str, pictures: dict[str, torch.Tensor], network: zoo.Network) -> None:
    with torch.inference_mode():
        seen = recognise(network, pictures[name], SUBJECTS[name].right)
    assert seen.right, f"default view: {seen.name}"
    assert seen.top5 >= 0.85


def test_right_classes_are_named_after_the_objects() -> None:
    def names(subject: str) -> set[str]:
        return {IMAGENET_1K[i].name for i in SUBJECTS[subject].right}

    assert len(VIEWS) == 28
    assert {"beagle", "Chihuahua", "Mexican hairless"} <= names("Dog")  # the first and the last breed
    assert not {"hyena", "dingo", "timber wolf", "red fox"} & names("Dog")
    assert names("Cat") == {"tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat"}
    assert (names("Fire Truck"), names("Race Car")) == ({"fire engine"}, {"racer", "sports car"})


def test_shares_are_counted_over_the_views_and_the_default_view_apart() -> None:
    """A network of known answers: picture k is given the logits of row k."""
    rows = torch.full((5, 1000), -10.0)
    rows[0, 3] = 2.0  # the default view: class 3, softmax of one 2 among 999 × -10
    rows[1, [7, 3]] = torch.tensor([5.0, 4.0])  # first, and among five
    rows[2, [3, 7]] = torch.tensor([5.0, 4.0])  # among five only
    rows[3, :6] = torch.arange(6.0)
    rows[3, 7] = -1.0  # neither
    rows[4, 8] = 1.0  # first: 8 counts as well

    class Known:
        classes = tuple(map(str, range(1000)))

        def preprocess(self, images: torch.Tensor) -> torch.Tensor:
            return images

        def look(self, images: torch.Tensor) -> zoo.Probe:
            return zoo.Probe({}, rows[images[:, 0, 0, 0].long()])

    images = torch.arange(5.0).view(5, 1, 1, 1).expand(5, 3, 2, 2)
    seen = recognise(Known(), images, {7, 8}, at_once=2)  # type: ignore[arg-type]
    expected = torch.tensor(2.0).exp() / (torch.tensor(2.0).exp() + 999 * torch.tensor(-10.0).exp())
    assert seen == Recognition(0.75, 0.5, "3", pytest.approx(expected.item(), rel=1e-5), False)
