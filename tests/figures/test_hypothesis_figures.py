"""Figures of hypotheses hold the findings, told apart by colour and mark."""

import pytest

from perturber.experiments.hypothesis import Finding, Verdict
from perturber.experiments.space import Span
from perturber.export.table import rows
from perturber.figures.hypotheses import LOOKS, neuron_effects

SPANS = {"yaw": Span("yaw", -60, 60), "hue": Span("hue", -0.2, 0.2), "morph": Span("morph", 0, 1)}


def finding(parameter: str, effect: float, verdict: Verdict) -> Finding:
    return Finding(
        parameter=parameter, effect=effect, stronger="high", weaker="low", low=effect - 0.1, high=effect + 0.3, q=0.01,
        change=(abs(effect), abs(effect) + 0.1), verdict=verdict,
    )  # fmt: skip


OWN = (finding("yaw", 0.05, "invariant"), finding("hue", 0.4, "selective"), finding("morph", 0.9, "selective"))
OTHER = (finding("yaw", 0.3, "open"), finding("hue", 0.4, "selective"), finding("morph", 0.1, "invariant"))


def test_effects_have_intervals_and_the_marks_of_what_is_known() -> None:
    assert len(set(LOOKS.values())) == len(dict(LOOKS.values())) == 3
    drawn = neuron_effects({"a:1": OWN}, SPANS)
    selective, invariant = drawn.data
    assert list(drawn.layout.yaxis.categoryarray) == ["Overall (Morph)", "Hue", "Yaw"]
    assert (list(selective.x), list(selective.y)) == ([0.9, 0.4], ["Overall (Morph)", "Hue"])
    assert list(selective.error_x.array) == pytest.approx([0.3, 0.3])
    assert list(selective.error_x.arrayminus) == pytest.approx([0.1, 0.1])
    assert (selective.marker.color, selective.marker.symbol) == LOOKS["selective"]
    assert (invariant.name, list(invariant.x)) == ("invariant", [0.05])
    assert selective.text[0] == "stronger at 1 than at 0"
    assert len(rows(drawn)[1]) == 3


def test_several_neurons_stand_side_by_side_with_one_legend() -> None:
    neurons = {f"a:{n}": (OWN, OTHER, ())[n % 3] for n in range(6)}
    drawn = neuron_effects(neurons, SPANS)
    titles = [one.text for one in drawn.layout.annotations]
    assert [name for name in neurons if name in titles] == list(neurons)
    assert titles.count("alike to all") == 2
    legend = [one.name for one in drawn.data if one.showlegend]
    assert sorted(legend) == ["invariant", "open", "selective"]
    assert list(drawn.layout.yaxis.categoryarray) == ["Yaw", "Hue", "Overall (Morph)"]
    narrow = neuron_effects(neurons, SPANS, wide=320)
    assert narrow.layout.width <= 320 < drawn.layout.width
    assert narrow.layout.height > drawn.layout.height
    assert [list(one.x) for one in narrow.data] == [list(one.x) for one in drawn.data]


def test_a_neuron_that_responds_to_all_alike_has_no_effects() -> None:
    drawn = neuron_effects({"a:1": ()}, SPANS)
    assert not drawn.data
    assert "same response" in drawn.layout.annotations[0].text
