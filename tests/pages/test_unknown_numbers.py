"""Networks that give NaN or ∞: every page goes on, leaves the gaps blank, and says so in one sentence."""

import base64
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from odd_networks import KINDS, put
from page_visits import Visit, open_pages
from safetensors.torch import load_file, save_file

from perturber.config import Settings
from perturber.editing import Edit
from perturber.service import InferenceService

PATHS = {"explore": "/", "compare": "/compare", "mixing": "/mixing"}
GIVES, BLANK = "gives NaN or ∞ in", ", which are left blank."
SENTENCES = {
    "usual": "",
    "overflowing": f"Overflowing {GIVES} 6,300 of 7,200 activations of 2 and 10 of 10 logits{BLANK}",
    "clamped": f"Clamped {GIVES} 6,300 of 7,200 activations of 2{BLANK}",
    "steep": "",
    "lonely": f"Lonely {GIVES} 1 of 10 logits{BLANK}",
}

Open = Callable[[str, str], Visit]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    settings = Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None)
    for kind in KINDS:
        put(settings, kind)
    put(settings, "usual", name="wrapped", label="Wrapped")
    state = load_file(settings.data / "wrapped.safetensors")
    save_file({f"module.{key}": tensor for key, tensor in state.items()}, settings.data / "wrapped.safetensors")
    with InferenceService(settings) as running:
        yield running


@pytest.fixture
def opened(service: InferenceService) -> Iterator[Open]:
    with open_pages(service) as opening:
        yield lambda page, query: opening(PATHS[page], query)


@pytest.mark.parametrize("page", PATHS)
def test_what_was_done_to_ones_own_weights_is_said(opened: Open, page: str) -> None:
    edit = Edit.mix("usual", "wrapped", {"4": 0.5})
    visit = opened(page, f"m1=usual&m2=wrapped&l1=2&l2=2&cards=none&edit={edit}")
    assert visit.look()["looked"]
    assert "Wrapped: 'module.' in the tensors' names was stripped." in visit.notice
    assert "Usual: " not in visit.notice


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_explore(opened: Open, kind: str) -> None:
    visit = opened("explore", f"m1={kind}&m2=usual&c1=0,1,2&l1=2&cards=none")
    assert visit.look()["looked"]
    assert visit.notice == SENTENCES[kind]
    for changes in [("explain", "top"), ("pin", 3), ("boxes", ["overlay", "shared"]), ("four-sigma", 1)]:
        found = visit.look(changes)
        assert found["looked"], changes
    bars = visit.properties["bars 0"]
    assert bool(bars["rows"]) == (kind != "overflowing") == (not bars["empty"])
    assert all(0 <= row["length"] <= 1 for row in [*bars["rows"], *bars["pinned"]])
    maps = np.frombuffer(base64.b64decode(visit.properties["maps 0"]["values"]), "<f4")
    assert not np.isinf(maps).any()
    assert np.isnan(maps).any() == (kind in ("overflowing", "clamped"))
    assert "nan" not in visit.words("maps 0") + visit.words("bars 0") + visit.words("explore-status")


@pytest.mark.parametrize("kind", KINDS)
def test_the_figures_of_explore(opened: Open, kind: str) -> None:
    visit = opened("explore", f"m1={kind}&m2=usual&cards=none&pinned=3")
    visit.look()
    visit.look(yaw=10)
    for figure in ("history", "summary"):
        visit.look(("drawer", figure))
        visit.follow()
        assert visit.properties["explore-figure"]["figure"]["data"], figure


@pytest.mark.parametrize("kind", KINDS)
def test_the_figures_of_an_attack(opened: Open, kind: str) -> None:
    visit = opened("explore", f"m1={kind}&m2=usual&cards=none&p1=0&p2=0")
    visit.look(("attack-count", 3), ("attack-run", 1), ("drawer", "layers"))
    visit.follow()
    told = "In 3 of 3 steps of the attack the gradient was not finite"
    assert (told in visit.notice) == (kind in ("overflowing", "steep"))
    assert visit.properties["explore-figure"]["figure"]["data"]
    visit.look(("drawer", "models"))
    visit.wait("models")
    assert (told in visit.words("explore-notes")) == (kind in ("overflowing", "steep"))
    visit.look(("drawer", "curve"))
    tools = {"pictures": "scene", "pictures-count": 1, "most": 1, "points": 3, "curve-steps": 1, "method": []}
    visit.wait("curve", **tools)
    assert visit.properties["explore-figure"]["figure"]["data"]
    assert ("3 of 3 margins are left blank" in visit.words("explore-notes")) == (kind == "overflowing")
    visit.follow("csv")
    assert "nan" not in visit.properties["explore-download"]["data"]["content"]


def test_an_attack_that_finds_no_gradient_leaves_the_picture_whole(opened: Open) -> None:
    visit = opened("explore", "m1=steep&m2=usual&cards=none")
    visit.look()
    before = visit.properties["explore-input"]["src"]
    visit.look(("attack-count", 2), ("attack-run", 1))
    assert visit.properties["explore-input"]["src"] == before
    assert visit.properties["explore-attack-progress"]["children"].startswith("step 2 · ‖δ‖₂ 0 ")


@pytest.mark.parametrize("kind", KINDS[1:])
def test_compare(opened: Open, kind: str) -> None:
    visit = opened("compare", f"m1=usual&m2={kind}&layer=2&count=4&pinned=3")
    assert visit.look()["looked"]
    assert visit.notice == SENTENCES[kind]
    assert "nan" not in visit.words("bars 1") + visit.words("bars most") + visit.words("compare-agreement-1")
    assert "inf" not in visit.words("bars 1") + visit.words("bars most") + visit.words("compare-agreement-1")
    visit.look(("tab", "depth"))
    assert visit.properties["graph depth"]["figure"]["data"]
    for tab in ("cka", "same"):
        visit.look(("tab", tab))
        visit.wait("compute")
        assert visit.properties["graph job"]["figure"]["data"], tab


def test_what_is_not_known_is_not_called_equal(opened: Open) -> None:
    visit = opened("compare", "m1=clamped&m2=clamped&tab=depth")
    visit.look()
    note = visit.properties["compare-note"]["children"]
    assert note == "2 · Clamped never differs from A where all numbers are finite."


@pytest.mark.parametrize(("kind", "logits"), [("overflowing", "10 of 10 logits"), ("lonely", "1 of 10 logits")])
def test_mixing(opened: Open, kind: str, logits: str, service: InferenceService) -> None:
    put(service.settings, kind, name=f"other_{kind}", label="Other")
    edit = str(Edit.mix(kind, f"other_{kind}", {"4": 0.5}))
    visit = opened("mixing", f"edit={edit}")
    assert visit.look()["looked"]
    assert f"{kind.title()} {GIVES} {logits}{BLANK}" in visit.notice
    assert f"Other {GIVES} {logits}{BLANK}" in visit.notice
    visit.look(("scan", 1))
    visit.wait()
    assert visit.properties["mixing-compatibility"]["figure"]["data"]
    assert ("margins are left blank" in visit.words("mixing-scan")) == (kind == "overflowing")


def test_no_picture_is_made_of_gradients_that_are_not_finite(opened: Open) -> None:
    visit = opened("explore", "m1=steep&h2=1&c1=0&l1=4&p1=0")
    visit.look()
    visit.wait()
    (card,) = visit.properties["maps 0"]["pictures"]
    assert card["front"]["note"] == "failed"
    assert "steep gives gradients that are not finite" in card["front"]["title"]
