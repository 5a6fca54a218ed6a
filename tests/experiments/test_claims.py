"""Claims: which pairs they make, and what is found where something was planted and where nothing was."""

from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from perturber.errors import PerturberError
from perturber.experiments.claims import Case, Claim, Thing, cases, family, score, units
from perturber.experiments.tested import Row, rounded, rows_of, sentence
from perturber.scene import Scene

A = Scene.parse({})
B = A.replace(texture_influence=0)
FOUR = tuple(Thing(name, end) for name in ("dog_cat", "firetruck_racecar") for end in (0.0, 1.0))
CLAIM = Claim(a=A, b=B, things=FOUR, backgrounds=("lawn", "street"), views=3)


def test_pairs_share_all_but_what_differs() -> None:
    found = cases(CLAIM)
    assert len(found) == len(CLAIM) == 4 * 2 * 3
    for case in found:
        a, b = case.a.as_dict(), case.b.as_dict()
        assert {key for key in a if a[key] != b[key]} == {"texture_influence"}
        assert (a["object"], a["morph"], a["background"]) == (case.thing.object, case.thing.morph, case.background)
        assert abs(case.a.yaw - A.yaw) <= 40
        assert abs(case.a.pitch - A.pitch) <= 10
        assert abs(case.a.distance - A.distance) <= 0.5
    assert len({case.a.yaw for case in found}) == len(found)  # each its own view


def test_longer_lists_keep_the_pairs_of_shorter_ones() -> None:
    more = replace(CLAIM, views=5, backgrounds=("underwater", "street", "lawn"))
    known = {case.key: (case.a, case.b) for case in cases(more)}
    assert all(known[case.key] == (case.a, case.b) for case in cases(CLAIM))
    assert family(CLAIM, ["x"]) == family(more, ["x"])
    assert family(CLAIM, ["x"]) != family(replace(CLAIM, seed=1), ["x"])
    assert family(CLAIM, ["x"]) != family(CLAIM, ["y"])


def test_what_differs_does_not_vary() -> None:
    claim = Claim(a=A, b=A.replace(yaw=90, background="street"), backgrounds=("lawn", "underwater"), views=6)
    assert {(case.a.yaw, case.b.yaw) for case in cases(claim)} == {(A.yaw, 90.0)}
    assert {(case.a.background, case.b.background) for case in cases(claim)} == {("lawn", "street")}
    assert len(claim.notes()) == 2
    morphed = Claim(a=A, b=A.replace(morph=1), things=FOUR, views=5)
    assert [str(thing) for thing in morphed.over] == ["dog_cat", "firetruck_racecar"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"b": A}, "same scene"),
        ({"views": 3, "backgrounds": (), "things": ()}, "3 pairs are too few"),
        ({"views": 1000, "backgrounds": ("lawn", "street", "indoor")}, "12,000 pairs"),
        ({"seeds": (0, 1)}, "Nothing in A or B is random"),
        ({"camera": (("yaw", 0), ("pitch", 0), ("distance", 0))}, "tell no more than one"),
        ({"camera": (("yaw", 181.0),)}, "cannot vary by"),
        ({"camera": (("hue", 0.1),)}, "cannot vary by"),
        ({"backgrounds": ("nowhere",)}, "nowhere"),
        ({"backgrounds": ("lawn", "lawn")}, "named twice"),
        ({"kind": "beauty"}, "beauty"),
        ({"b": A.replace(plane=True)}, "Show Plane"),
        ({"pictures": 50}, "Texture Influence"),
        ({"views": True}, "Views"),
        ({"seed": -1}, "The seed"),
    ],
)
def test_what_cannot_be_tested_is_said_in_a_sentence(changes: dict[str, object], words: str) -> None:
    with pytest.raises(PerturberError, match=words) as raised:
        replace(CLAIM, **changes)
    assert str(raised.value).endswith(".")


def test_seeds_of_what_is_the_same_with_each_are_refused() -> None:
    with pytest.raises(PerturberError, match="random"):
        Claim(a=A, b=A.replace(corruption_jpeg_compression=3), seeds=(1, 2))
    noisy = Claim(a=A, b=A.replace(noise=0.1), seeds=(1, 2))
    assert {case.a.noise_seed for case in cases(noisy)} == {1, 2}


def test_scores_against_numpy() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (6, 20))
    logits[5] = np.nan
    classes = [[3], [3, 7], [0], [19, 2, 5], [int(logits[4].argmax())], [1]]
    found = {
        kind: score(kind, torch.tensor(logits), classes).numpy()
        for kind in ("probability", "logit", "margin", "correct")
    }
    for n, own in enumerate(classes[:5]):
        p = np.exp(logits[n]) / np.exp(logits[n]).sum()
        others = [k for k in range(20) if k not in own]
        assert found["probability"][n] == pytest.approx(100 * p[own].sum())
        assert found["logit"][n] == pytest.approx(logits[n, own].max())
        assert found["margin"][n] == pytest.approx(logits[n, own].max() - logits[n, others].max())
        assert found["correct"][n] == 100 * (logits[n].argmax() in own)
    assert all(np.isnan(values[5]) for values in found.values())


def made(backgrounds: int, views: int, things: int = 1) -> list[Case]:
    """Pairs of so many of everything, without scenes that would have to exist."""
    return [
        SimpleNamespace(thing=FOUR[t], background=f"b{b}", view=v, seed=None, file=None)  # type: ignore[misc]
        for t, b, v in product(range(things), range(backgrounds), range(views))
    ]


def test_units_are_the_largest_things_of_which_there_are_enough() -> None:
    assert units(made(4, 5, 2))[0] == "objects before a background"
    assert len(set(units(made(4, 5, 2))[1])) == 8
    assert units(made(3, 5, 2))[0] == "views"
    assert len(set(units(made(3, 5, 2))[1])) == 30


def slow_interval(values: np.ndarray, clusters: list[object], seed: int) -> tuple[float, float]:
    """Cluster bootstrap with loops."""
    names = list(dict.fromkeys(clusters))
    random = np.random.default_rng(seed)
    own = {name: values[[c == name for c in clusters]] for name in names}
    means = [
        np.concatenate([own[names[k]] for k in random.integers(0, len(names), len(names))]).mean() for _ in range(4000)
    ]
    return tuple(np.quantile(means, (0.025, 0.975)))


def test_effects_against_slow_numpy() -> None:
    some, random = made(4, 5, 2), np.random.default_rng(1)
    cluster = np.repeat(random.normal(0, 8, 8), 5)  # views of one cell are alike
    before = random.normal(50, 5, 40)
    values = np.zeros((40, 2, 2))
    values[:, :, 0] = before[:, None]
    values[:, 0, 1] = before - 30 + cluster + random.normal(0, 3, 40)
    values[:, 1, 1] = before - 12 + random.normal(0, 3, 40)
    rows = rows_of(CLAIM, ("one", "two"), some, values)
    differences = values[:, :, 1] - values[:, :, 0]
    for row, change in zip(
        rows[:3], (differences[:, 0], differences[:, 1], differences[:, 0] - differences[:, 1]), strict=True
    ):
        assert row.mean == pytest.approx(change.mean())
        assert (row.low, row.high) == pytest.approx(slow_interval(change, units(some)[1], 5), abs=0.5)
        assert (row.pairs, row.units) == (40, 8)
    assert rows[0].p == pytest.approx(2 / 256)  # all eight of one sign
    assert [row.holm for row in rows[:3]] == pytest.approx([2 * 2 / 256, 2 * 2 / 256, rows[2].p])
    assert rows[0].low < differences[:, 0].mean() < rows[0].high
    assert [row.group for row in rows[3:]] == ["Dog"] * 3 + ["Cat"] * 3


def test_nothing_is_found_where_nothing_is() -> None:
    some, found = made(4, 5, 2), 0
    for seed in range(40):
        values = np.zeros((40, 1, 2))
        values[:, 0, 1] = np.repeat(np.random.default_rng(seed).normal(0, 10, 8), 5)
        found += rows_of(CLAIM, ("one",), some, values)[0].p < 0.05
    assert found <= 6  # 40 × 5 %, and three deviations


def row(mean: float, low: float, high: float, model: str = "one") -> Row:
    return Row(models=(model,), mean=mean, low=low, high=high, p=0.01, pairs=80, units=16, unit="views")


LABELS = {"one": "Lite0", "two": "Lite0 adversarial"}


@pytest.mark.parametrize(
    ("claim", "rows", "words"),
    [
        (
            CLAIM,
            [row(-31, -35, -27), row(-12, -15, -9, "two")],
            "Lite0 loses 31 points [27, 35] when Texture Influence goes from 1 to 0; Lite0 adversarial 12 [9, 15].",
        ),
        (
            replace(CLAIM, b=B.replace(background_blur=4, yaw=-70.5)),
            [row(-31, -35, -27), row(4, 1, 7, "two")],
            "Lite0 loses 31 points [27, 35] when Yaw goes from −35° to −70.5°, Texture Influence from 1 to 0 and "
            "Background Blur from 0 to 4 mip levels; Lite0 adversarial gains 4 [1, 7].",
        ),
        (
            replace(CLAIM, kind="logit", b=A.replace(background="street")),
            [row(0.21, -0.11, 0.53), row(1.04, 0.61, 1.32, "two")],
            "Lite0 neither gains nor loses for certain (+0.2 logits [−0.1, 0.5]) when Background goes from Lawn to "
            "Street; Lite0 adversarial gains 1.0 [0.6, 1.3].",
        ),
        (
            CLAIM,
            [row(-1, -4, 2)],
            "Lite0 neither gains nor loses for certain (−1 point [−4, 2]) when Texture Influence goes from 1 to 0.",
        ),
    ],
)  # fmt: skip
def test_sentences(claim: Claim, rows: list[Row], words: str) -> None:
    assert sentence(claim, rows, LABELS) == words


def test_as_many_decimals_as_matter() -> None:
    assert rounded(31.2, 27.4, 35.1) == ("31", "27", "35")
    assert rounded(0.123, 0.101, 0.151) == ("0.12", "0.10", "0.15")
    assert rounded(-0.001, -0.2, 0.2) == ("0.00", "−0.20", "0.20")
