"""Neurons as hypotheses as an experiment of the page."""

from collections.abc import Mapping
from typing import Any

from plotly.graph_objects import Figure

from perturber.experiments.hypothesis import FALSE_DISCOVERIES, FEWEST, MARGIN, MOVED, REACH, Finding, direction
from perturber.experiments.measurements.measurement import Pick, whole
from perturber.experiments.smallest import listed, named, written
from perturber.experiments.space import Span, usual
from perturber.figures.hypotheses import neuron_effects, strongest_first
from perturber.parameters import PARAMETERS, Number, Parameter
from perturber.scene import Scene, SceneBase
from perturber.service import VARIATION, InferenceService
from perturber.service.hypotheses import hypothesis_request, seconds
from perturber.service.works.hypothesis import MAX_NEURONS, MAX_VIEWS, Hypothesis, HypothesisRequest
from perturber.ui.experiments.base import Chosen, Cost, Experiment, Known, Numbers
from perturber.ui.experiments.choices import chosen_neurons, neuron_options, same_layer

USUAL, ONE, ALL = "usual", "one", "all"
GROUPS = tuple(dict.fromkeys(PARAMETERS[key].group for key in MOVED))
"""Headings of the parameters that are moved."""

RANGED = {
    key: f"{row.group} · {row.label}"
    for key, row in PARAMETERS.items()
    if isinstance(row, Number) and not row.whole and row.group != "Corruptions"
}
"""Parameters that can be moved by themselves → what they are called."""


class Hypotheses(Experiment):
    """What neurons are selective for, and to what they are invariant."""

    group = "Neurons"
    key = "hypotheses"
    title = "Neurons as hypotheses"
    asks = "Which parameters of scenes does a neuron’s response depend on, and which does it not depend on?"
    definition = (
        f"Views are drawn at random around the scene ({VARIATION}), each before one of the backgrounds. In every view "
        "each parameter goes to the lower and to the upper end of its range. One half of the views finds out between "
        "which two of lower end, view and upper end the response of the neuron differs most surely; the effect is the "
        "mean difference along that direction over the other half, in standard deviations of the response over all "
        "pictures, with its 95 % bootstrap interval. The change is the mean of the larger absolute difference between "
        "view and end; at most: the upper end of its interval. Invariant: the change is at most less than "
        f"{MARGIN:g}. Selective: it is not, and there is an effect by the sign-flip test, with false discoveries kept "
        f"to {100 * FALSE_DISCOVERIES:g} % of all neurons and parameters together (q ≤ {FALSE_DISCOVERIES:g}). Open: "
        "neither is certain."
    )
    source = (
        "Our own; q as of Benjamini & Hochberg 1995, “Controlling the false discovery rate: a practical and powerful "
        "approach to multiple testing”"
    )
    networks = 1
    works = ("benjamini1995", "efron1979")

    def options(self, model: str, given: Mapping[str, object], known: Known) -> tuple[Parameter, ...]:
        """Whose neurons, around which scene, and which parameters are moved."""
        groups = {_word(group): f"{group} ({len(_of_group(group))})" for group in GROUPS}
        return (
            *neuron_options(model, given, known, first=4, most=MAX_NEURONS),
            Pick(
                key="pooling", label="Response", group="", default="mean", help="Of the neuron’s map.",
                choices={"mean": "mean", "max": "largest value"},
            ),
            PARAMETERS["object"],
            Pick(
                key="parameters", label="Parameters", group="", default=USUAL,
                help="That are moved, each in its usual range about the scene, or one in a range of your own.",
                choices={USUAL: f"All usual ones ({len(MOVED)})", **groups, ONE: "One, from … to …"},
            ),
            *(_range(given) if given.get("parameters") == ONE else ()),
            whole("views", "Views", 60, 2 * FEWEST, MAX_VIEWS, "At random, one half of them for the test."),
            whole("seed", "Seed", 0, 0, 9_999, "Of the views, the halves and the test."),
        )  # fmt: skip

    def followed(self, key: str, values: Mapping[str, object]) -> dict[str, object]:
        """Another layer has other neurons, and another parameter another range."""
        if key == "layer":
            return same_layer(values)
        gone = ("low", "high") if key == "parameter" else ()
        return {name: value for name, value in values.items() if name not in gone}

    def order(self, service: InferenceService, chosen: Chosen) -> HypothesisRequest:
        """The neurons, the views and the parameters.

        Raises:
            InvalidInputError: there are no such neurons, too many pictures, or the range of a parameter does not rise.
        """
        options = chosen.options
        scene = Scene.parse({"object": options["object"]})
        return hypothesis_request(
            service,
            scene,
            chosen.models[0],
            options["layer"],
            chosen_neurons(service, chosen, MAX_NEURONS),
            _spans(scene, options),
            views=int(options["views"]),
            pooling=options["pooling"],
            seed=int(options["seed"]),
        )

    def cost(self, service: InferenceService, request: HypothesisRequest) -> Cost:
        """Every view as it is, and with each parameter at both ends."""
        return Cost(pictures=request.pictures, seconds=seconds(service, request))

    def views(self, product: Hypothesis) -> dict[str, str]:
        """All neurons side by side, and each by itself."""
        each = {str(channel): name for channel, name in zip(product.channels, _names(product), strict=True)}
        return each if len(each) == 1 else {ALL: f"{product.layer}, {len(each)} neurons", **each}

    def figure(self, product: Hypothesis, view: str, labels: Mapping[str, str], options: Mapping[str, Any]) -> Figure:
        """Effects with their intervals, a column for each neuron."""
        return neuron_effects(_shown(product, view), _by_key(product))

    def fitted(
        self, product: Hypothesis, view: str, labels: Mapping[str, str], options: Mapping[str, Any], width: float
    ) -> Figure:
        """As many neurons side by side as there is room for."""
        return neuron_effects(_shown(product, view), _by_key(product), wide=width)

    def numbers(self, product: Hypothesis, view: str, labels: Mapping[str, str]) -> Numbers:
        """Of one neuron all that is known of each parameter; of several ones the effects and verdicts."""
        spans, shown = _by_key(product), _shown(product, view)
        said = tuple(text for name, text in zip(_names(product), product.sentences, strict=True) if name in shown)
        if len(shown) == 1:
            (findings,) = shown.values()
            head = ("Parameter", "Effect [95 %]", "Direction", "q", "Change (at most)", "Verdict")
            rows = [_row(one, spans[one.parameter]) for one in strongest_first(findings)]
            return Numbers(head=head, rows=tuple(rows), said=said)
        rows = [
            (_moved(span), *(_short(findings[n]) if findings else "–" for findings in shown.values()))
            for n, span in enumerate(product.spans)
        ]
        return Numbers(head=("Effect", *shown), rows=tuple(rows), said=said)

    def csv(self, product: Hypothesis) -> str:
        """A row for each neuron and parameter."""
        return product.csv()

    def json(self, product: Hypothesis) -> dict[str, Any]:
        """The findings, the sentences, and the response to each picture."""
        return product.told()

    def methods(self, chosen: Chosen) -> str:
        """Whose neurons, over which views, and how they were tested."""
        options = chosen.options
        spans = _spans(Scene.parse({"object": options["object"]}), options)
        neurons = options.get("channels") or f"the group “{options['neurons'].partition(':')[2]}”"
        response = "mean" if options["pooling"] == "mean" else "largest value"
        return (
            f"Neurons of {options['layer']} of `{chosen.models[0]}` ({neurons}; the {response} of the map) were tested "
            f"on {options['views']:g} random views of “{options['object']}” (seed {options['seed']:g}), in each of "
            f"which these parameters went to both ends of a range: {listed([_moved(span) for span in spans])}. One "
            "half of the views chose the direction of each effect, the other half tested it by flipping signs, with "
            "bootstrap intervals [@efron1979] and the false discovery rate of all neurons and parameters together kept "
            f"to {100 * FALSE_DISCOVERIES:g} % [@benjamini1995]; a neuron is called invariant where its mean absolute "
            f"change is at most less than {MARGIN:g} standard deviations."
        )


def _word(group: str) -> str:
    return group.lower()


def _of_group(group: str) -> list[str]:
    return [key for key in MOVED if PARAMETERS[key].group == group]


def _range(given: Mapping[str, object]) -> tuple[Parameter, ...]:
    """The one parameter that is moved, and the ends of its range."""
    key = str(given.get("parameter", MOVED[0]))
    row = PARAMETERS[key if key in RANGED else MOVED[0]]
    assert isinstance(row, Number)
    return (
        Pick(key="parameter", label="Parameter", group="", default=MOVED[0], help="That is moved.", choices=RANGED),
        *(
            Number(
                key=end, label=word, group="", default=value, minimum=row.minimum, maximum=row.maximum, step=row.step,
                unit=row.unit, help=f"Of {row.label}.",
            )
            for end, word, value in (("low", "From", row.minimum), ("high", "To", row.maximum))
        ),
    )  # fmt: skip


def _spans(scene: SceneBase, options: Mapping[str, Any]) -> tuple[Span, ...]:
    """The parameters that the options name, and their ranges.

    Raises:
        InvalidInputError: a range does not rise.
    """
    which = options["parameters"]
    if which == ONE:
        return (Span(options["parameter"], options["low"], options["high"]),)
    keys = next((_of_group(group) for group in GROUPS if _word(group) == which), MOVED)
    return usual(scene, keys, REACH)


def _names(product: Hypothesis) -> tuple[str, ...]:
    return tuple(f"{product.layer}:{channel}" for channel in product.channels)


def _by_key(product: Hypothesis) -> dict[str, Span]:
    return {span.key: span for span in product.spans}


def _shown(product: Hypothesis, view: str) -> dict[str, tuple[Finding, ...]]:
    """Name → findings of the neurons of a view."""
    return {
        name: findings
        for channel, name, findings in zip(product.channels, _names(product), product.findings, strict=True)
        if view in (ALL, str(channel))
    }


def _moved(span: Span) -> str:
    """A parameter and its range."""
    return f"{named(span.key)} {span.low:.9g} to {written(span.key, span.high)}"


def _row(one: Finding, span: Span) -> tuple[str, ...]:
    interval = f"[{one.low:.2f}, {one.high:.2f}]"
    change = f"{one.change[0]:.2f} ({one.change[1]:.2f})"
    effect = f"{one.effect:.2f} {interval}"
    told = direction(one, span) if one.verdict == "selective" else "–"
    return _moved(span), effect, told, f"{one.q:.3f}", change, one.verdict


def _short(one: Finding) -> str:
    return f"{one.effect:.2f} {one.verdict}"
