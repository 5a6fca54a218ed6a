"""Texts for a methods section: each state names the works that it uses and no others, with its own numbers."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from app import create_app
from perturber.errors import InvalidInputError
from perturber.methods.works import WORKS, named
from perturber.service import InferenceService
from perturber.ui.methods import Methods, describe
from perturber.ui.states.figures import FiguresState, PanelState

LITE0 = "efficientnet_lite0"
SLOTS = f"m1={LITE0}&l1=blocks.3.0&c1=3,7&h2=1"
PLAIN = f"{SLOTS}&a1=0"
ALWAYS = {"sietzen2021", "sietzen2022", "paszke2019"}
NETWORK = {"wightman2019", "tan2019", "liu2020", "deng2009", "russakovsky2015"}
SCENE = {"blinn1977"}
EXPLORE = ALWAYS | NETWORK | SCENE
ROBUST = {"madry2018", "loshchilov2019", "hinton2015"}
VISUALISED = {"olah2017", "kiat2020", "kingma2015"}
MIXED = f"mix({LITE0},lite0_adversarial;blocks.3=0.25)"
PRUNED = f"prune({LITE0};blocks.3=0.1-1)"

MEASURED: list[tuple[str, set[str]]] = [
    ("fluctuation", {"efron1979"}),
    ("backgrounds", {"efron1979", "xiao2021"}),
    ("corruptions", {"efron1979", "hendrycks2019"}),
    ("shape", {"efron1979", "geirhos2019", "geirhos2020"}),
    ("adversarial", {"efron1979", "madry2018"}),
    ("mixed", {"efron1979", "madry2018"}),
    ("viewpoints", {"efron1979"}),
    ("fourier", {"yin2019"}),
    ("tuning", {"cammarata2020"}),
    ("tuning&over=scenes", {"cammarata2020"}),
    ("hypotheses", {"benjamini1995", "efron1979"}),
    ("hypotheses&parameters=one&parameter=hue", {"benjamini1995", "efron1979"}),
]
"""Experiment → the works behind it."""

STATES: list[tuple[str, str | None, set[str]]] = [
    (f"/?{PLAIN}", None, EXPLORE),
    (f"/?{SLOTS}", None, EXPLORE | VISUALISED),
    (f"/?{SLOTS}&cards=none", None, EXPLORE),
    (f"/?{SLOTS}", "predictions-model-1", EXPLORE),
    (f"/?{SLOTS}", "activations-model-1", EXPLORE | VISUALISED),
    (f"/?{SLOTS}", "input", ALWAYS | SCENE),
    (f"/?{PLAIN}&lighting_influence=0", None, EXPLORE - SCENE),
    (f"/?{PLAIN}&corruption_fog=3", None, EXPLORE | {"hendrycks2019"}),
    (f"/?{PLAIN}&corruption_seed=3&noise_seed=2&cutoff=3&patch_seed=1", None, EXPLORE),
    (f"/?{PLAIN}&patch_shuffle=4", None, EXPLORE | {"zhang2019"}),
    (f"/?{PLAIN}&background_blur=2", None, EXPLORE | {"williams1983"}),
    (f"/?{PLAIN}&plane=true", None, (EXPLORE - SCENE) | VISUALISED),
    (f"/?{PLAIN}&explain=top", None, EXPLORE | {"selvaraju2017", "simonyan2014"}),
    (f"/?{SLOTS}&cards=none", "explanations-model-1", EXPLORE | {"selvaraju2017", "simonyan2014"}),
    (f"/?{PLAIN}&attack=pgd(l2=1,steps=3;{LITE0})", None, EXPLORE | {"madry2018"}),
    (f"/?{PLAIN}&attack=fgsm(linf=0.02,steps=1;{LITE0})", None, EXPLORE | {"goodfellow2015"}),
    (f"/?{PLAIN}&attack=mifgsm(linf=0.02,steps=2;{LITE0})", None, EXPLORE | {"dong2018"}),
    (f"/?{PLAIN}&attack=sparse(l0=50,steps=2;{LITE0})", None, EXPLORE | {"croce2019"}),
    ("/?m1=lite0_adversarial&h2=1&a1=0", None, EXPLORE | ROBUST),
    ("/?m1=lite0_stylised@50&h2=1&a1=0", None, EXPLORE | ROBUST - {"madry2018"} | {"geirhos2019"}),
    (f"/?{urlencode({'m1': MIXED, 'h2': 1, 'a1': 0})}", None, EXPLORE | ROBUST | {"wortsman2022"}),
    (f"/?{urlencode({'m1': PRUNED, 'h2': 1, 'a1': 0})}", None, EXPLORE | {"li2017"}),
    (f"/compare?m1={LITE0}&m2=lite0_adversarial&tab=cka", None, EXPLORE | ROBUST | {"kornblith2019"}),
    (f"/compare?m1={LITE0}&m2=lite0_adversarial&tab=depth", None, EXPLORE | ROBUST),
    (f"/compare?m1={LITE0}&m2=lite0_adversarial&tab=depth", "cka", EXPLORE | ROBUST | {"kornblith2019"}),
    (f"/mixing?{urlencode({'edit': MIXED})}", None, EXPLORE | ROBUST | {"wortsman2022"}),
    (f"/mixing?{urlencode({'edit': PRUNED})}", None, EXPLORE | {"li2017"}),
    ("/checkpoints?tab=pictures&m1=lite0_adversarial@50", "multiples", ALWAYS | NETWORK | ROBUST | VISUALISED),
    ("/checkpoints?tab=curves&m1=lite0_adversarial@50", "errors", ALWAYS | NETWORK | ROBUST),
    ("/checkpoints?tab=maps&m1=lite0_adversarial@50", "multiples", EXPLORE | ROBUST),
    (f"/sweep?m1={LITE0}&axis1=yaw:-20:20:3&measures=entropy", None, EXPLORE),
    (f"/sweep?m1={LITE0}&ranges=yaw:-20:20;alpha:0:1&measures=entropy", "measure", EXPLORE | {"mckay1979"}),
    (f"/test?models={LITE0}&b=texture_influence%3D0", None, EXPLORE | {"efron1979"}),
    *((f"/experiments?experiment={name}&m1={LITE0}", "result", works | ALWAYS | NETWORK) for name, works in MEASURED),
]


@pytest.fixture(autouse=True)
def app(service: InferenceService) -> Iterator[None]:
    with create_app(service=service).server.app_context():
        yield


def keys(found: Methods) -> set[str]:
    return set(named(found.markdown))


@pytest.mark.parametrize(("link", "kind", "expected"), STATES)
def test_each_state_names_what_it_uses(link: str, kind: str | None, expected: set[str]) -> None:
    found = describe(link, kind)
    assert keys(found) == expected
    entries = re.findall(r"^@[a-z]+\{([a-z0-9]+),$", found.bibtex, re.MULTILINE)
    assert entries == sorted(expected)
    assert found.notes == ()
    assert "  " not in found.markdown
    assert ".." not in found.markdown.replace("…", "")


def test_every_work_is_used_by_some_state() -> None:
    used = set().union(*(expected for _, _, expected in STATES))
    elsewhere = {"croce2020", "szegedy2015", "he2016", "simonyan2015", "salman2020"}  # other networks, and AutoAttack
    assert used | elsewhere == WORKS.keys()
    for key, work in WORKS.items():
        assert re.fullmatch(r"[a-z]+[0-9]{4}", key)
        assert key.endswith(work.fields["year"])
        first = work.fields["author"].split(" and ")[0].split()
        assert key.startswith(first[-1].lower())
        entry = work.bibtex(key)
        assert entry.count("{") == entry.count("}")
        assert "," not in work.fields["author"]


def test_its_numbers_are_those_of_the_state() -> None:
    attack = f"pgd(l2=1.5,steps=7,step=0.25,start=random,seed=11,target=281;{LITE0})"
    link = f"/?{SLOTS}&yaw=12.5&corruption_fog=2.5&corruption_seed=4&attack={attack}&attack_alpha=0.5"
    text = describe(f"http://elsewhere.example{link}&naive=true&variants=3&objective=channel").markdown
    for part in (
        "Yaw 12.5°",
        "Fog 2.5 (seed 4)",
        "towards class 281",
        "L2 norm, ε = 1.5 in the [0, 1] pixel scale (= 382/255), 7 steps of size 0.25",
        "from a random start with seed 11",
        "0.5 of the perturbation and 1 of the picture",
        f"`{LITE0}` blocks.3.0: 3, 7",
        "the mean of each channel's map: 128 steps of Adam [@kingma2015] (learning rate 0.05) of pixels",
        "128 × 128 pixels",
        "3 variants",
        "579344248a93e230…",
    ):
        assert part in text


def test_weights_and_trainings_are_the_true_ones(service: InferenceService) -> None:
    mixed = describe(f"/?{urlencode({'m1': MIXED, 'h2': 1, 'a1': 0})}").markdown
    assert "α for blocks.3 0.25, and 0 elsewhere" in mixed
    assert service.model(MIXED).fingerprint[:16] in mixed
    assert "2800 steps of 16 pictures at 192 × 192 pixels" in mixed
    assert "ε = 0.48 in the [0, 1] pixel scale" in mixed
    step = describe("/?m1=lite0_stylised@50&h2=1&a1=0").markdown
    assert "its state after step 50 is used here" in step
    assert "blocks.3 0.1 to 1" in describe(f"/mixing?{urlencode({'edit': PRUNED})}").markdown


def test_a_composed_figure_is_the_union_of_its_panels() -> None:
    panels = [(f"/?{SLOTS}&cards=none&yaw=12", "activations-model-1"), ("/compare?tab=cka", "cka")]
    panels.append((f"/?{SLOTS}&cards=none&yaw=12", "predictions-model-1"))
    state = FiguresState(panels=tuple(PanelState.of(*panel) for panel in panels))
    found = describe(f"/figures?{state.query()}")
    assert keys(found) == set().union(*(keys(describe(*panel)) for panel in panels))
    assert "(a, c) Parameters that differ from their defaults: Yaw 12°." in found.markdown
    assert "(b) Layers of " in found.markdown
    assert found.markdown.count("(`efficientnet_lite0`) is ") == 1


@pytest.mark.parametrize(
    ("link", "kind", "sentence"),
    [
        ("/help", None, "There is nothing to say of '/help'"),
        ("/figures", None, "There is no panel yet"),
        ("/", "histogram", "activations-model-1"),
    ],
)
def test_what_there_is_nothing_to_say_of(link: str, kind: str | None, sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        describe(link, kind)


def test_what_is_wrong_in_a_link_is_told() -> None:
    (note,) = describe(f"/?{PLAIN}&yaw=nowhere").notes
    assert "nowhere" in note
