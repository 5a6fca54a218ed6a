"""Tuning curves of neurons as an experiment of the page."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from plotly.graph_objects import Figure

from perturber.experiments.families import FAMILIES
from perturber.experiments.measurements.measurement import Pick, whole
from perturber.experiments.sweep import Axis, Grid
from perturber.experiments.tuning import TuningCurves
from perturber.figures.tuning import tuning_curves
from perturber.parameters import PARAMETERS, Number, Parameter, Switch
from perturber.scene import Scene
from perturber.service import InferenceService
from perturber.service.estimates import seconds_a_picture
from perturber.service.works.tuning import TuningRequest
from perturber.ui.experiments.base import Chosen, Cost, Experiment, Known, Numbers
from perturber.ui.experiments.choices import chosen_neurons, neuron_options, same_layer
from perturber.zoo import check_layer

NARROWEST = 200.0
"""Pixels of a file, below which panels go beyond its edge."""

SCENES = "scenes"
OF_SCENES = tuple(PARAMETERS[key] for key in ("object", "background"))
MOVED = {key: f"{row.group} · {row.label}" for key, row in PARAMETERS.items() if isinstance(row, Number)}
AXES = (("first", "Down", "yaw", 9), ("second", "Across", "morph", 6))
"""Prefix, label, parameter and number of values of both quantities, at first."""


class Tuning(Experiment):
    """What neurons answer to, over a family of synthetic pictures or two parameters of a scene."""

    group = "Neurons"
    key = "tuning"
    title = "Tuning curves"
    asks = "What do the neurons of a layer answer to: curves, gratings, colours, or what a scene’s parameters do?"
    definition = (
        "Every neuron is shown pictures over two quantities, a row and a column of its panel. Each picture is weighted "
        "by its response over its strongest one of either sign, ½ + w (picture − ½), so that pictures which inhibit it "
        "are inverted in colour and those that leave it cold are grey. Responses are before the non-linearity: to "
        "synthetic pictures those in the middle of the map, for gratings the largest and for colours the mean, minus "
        "those to mid-grey; to scenes the mean of the map. Neurons of similar tuning stand side by side (average "
        "linkage over 1 − correlation). Above each panel is the strongest response."
    )
    source = (
        "Figure 5.1 of the thesis on Perturber; families as in OpenAI Microscope; Cammarata et al. 2020, “Curve "
        "Detectors”; Schubert et al. 2021, “High-Low Frequency Detectors”"
    )
    networks = 1

    def options(self, model: str, given: Mapping[str, object], known: Known) -> tuple[Parameter, ...]:
        """Whose neurons, and over what."""
        families = {name: family.label for name, family in FAMILIES.items()}
        found: list[Parameter] = [
            *neuron_options(model, given, known, first=16),
            Pick(
                key="over", label="Pictures", group="", default="curves", help="What the neurons are shown.",
                choices={**families, SCENES: "A scene over two parameters"},
            ),
        ]  # fmt: skip
        if given.get("over") == SCENES:
            found += [*OF_SCENES, *(option for axis in AXES for option in _axis(axis, given))]
        alike = Switch(
            key="alike", label="Neurons alike side by side", group="", default=True,
            help="Else they stand in the order of their channels.",
        )  # fmt: skip
        return (*found, alike)

    def followed(self, key: str, values: Mapping[str, object]) -> dict[str, object]:
        """Another layer has other neurons, and another parameter another range."""
        if key == "layer":
            return same_layer(values)
        prefix = key.removesuffix("_parameter")
        if prefix != key:
            return {name: value for name, value in values.items() if name not in (f"{prefix}_low", f"{prefix}_high")}
        return dict(values)

    def order(self, service: InferenceService, chosen: Chosen) -> TuningRequest:
        """The neurons, and a family or scenes.

        Raises:
            InvalidInputError: there are no such neurons, too many pictures, or the range of a parameter does not rise.
        """
        info, options = service.model(chosen.models[0]), chosen.options
        numbers = chosen_neurons(service, chosen)
        check_layer(info.name, info.layers, options["layer"], numbers)
        shared = {
            "model": info.name,
            "layer": options["layer"],
            "channels": numbers,
            "fingerprint": info.fingerprint,
        }
        if options["over"] != SCENES:
            return TuningRequest(**shared, family=options["over"])
        scene = Scene.parse({one.key: options[one.key] for one in OF_SCENES})
        axes = [
            Axis.even(
                options[f"{prefix}_parameter"],
                options[f"{prefix}_low"],
                options[f"{prefix}_high"],
                int(options[f"{prefix}_count"]),
            )
            for prefix, *_ in AXES
        ]
        return TuningRequest(**shared, scene=scene, grid=Grid(tuple(axes)))

    def cost(self, service: InferenceService, request: TuningRequest) -> Cost:
        """Every picture once."""
        if request.family is not None:
            rows, columns = FAMILIES[request.family].shape
            pictures = rows * columns
        else:
            assert request.grid is not None
            pictures = len(request.grid)
        each = seconds_a_picture(service, request.scene or Scene(), (request.model,))
        return Cost(pictures=pictures, seconds=pictures * each)

    def views(self, product: TuningCurves) -> dict[str, str]:
        """One."""
        return {"tuning": "Tuning curves"}

    def figure(self, product: TuningCurves, view: str, labels: Mapping[str, str], options: Mapping[str, Any]) -> Figure:
        """A panel for each neuron."""
        return tuning_curves(product, ordered=bool(options["alike"]))

    def fitted(
        self, product: TuningCurves, view: str, labels: Mapping[str, str], options: Mapping[str, Any], width: float
    ) -> Figure:
        """As many panels side by side as there is room for."""
        return tuning_curves(product, ordered=bool(options["alike"]), wide=max(width, NARROWEST))

    def numbers(self, product: TuningCurves, view: str, labels: Mapping[str, str]) -> Numbers:
        """Of each neuron what it answers to most."""
        head = ("Channel", "Strongest response", product.rows.label, product.columns.label)
        rows = []
        for n, channel in enumerate(product.channels):
            known = np.nan_to_num(product.responses[:, :, n])
            row, column = divmod(int(np.abs(known).argmax()), known.shape[1])
            places = _with_unit(product.rows, row), _with_unit(product.columns, column)
            rows.append((str(channel), f"{known[row, column]:+.4g}", *places))
        return Numbers(head=head, rows=tuple(rows))

    def csv(self, product: TuningCurves) -> str:
        """A row for each picture, a column for each neuron."""
        file = io.StringIO()
        lines = csv.writer(file)
        quantities = product.rows, product.columns
        lines.writerow([*(_named(one) for one in quantities), *(f"{product.layer}:{n}" for n in product.channels)])
        for (row, column), _ in np.ndenumerate(product.responses[:, :, 0]):
            found = product.responses[row, column]
            values = ["" if not np.isfinite(one) else f"{one:.6g}" for one in found]
            lines.writerow([product.rows.values[row], product.columns.values[column], *values])
        return file.getvalue()

    def json(self, product: TuningCurves) -> dict[str, Any]:
        """The responses."""
        return {
            "model": product.model,
            "layer": product.layer,
            "channels": list(product.channels),
            **{
                name: {"label": one.label, "unit": one.unit, "values": list(one.values)}
                for name, one in (("rows", product.rows), ("columns", product.columns))
            },
            "responses": product.responses.tolist(),
        }

    def methods(self, chosen: Chosen) -> str:
        """Whose tuning."""
        options = chosen.options
        over = options["over"]
        told = "scenes over two parameters" if over == SCENES else f"the family “{FAMILIES[over].label}”"
        return (
            f"Neurons of {options['layer']} of `{chosen.models[0]}` were shown {told}; pictures are weighted by "
            "response over the strongest one, inverted where it is negative [@cammarata2020]."
        )


def _axis(axis: tuple[str, str, str, int], given: Mapping[str, object]) -> tuple[Parameter, ...]:
    """The parameter of a scene that one of the quantities is, and its values."""
    prefix, label, key, count = axis
    moved = PARAMETERS.get(str(given.get(f"{prefix}_parameter", key)))
    row = moved if isinstance(moved, Number) else PARAMETERS[key]
    assert isinstance(row, Number)
    ends = (("low", "from", row.minimum), ("high", "to", row.maximum))
    return (
        Pick(
            key=f"{prefix}_parameter", label=label, group="", default=key, help=f"What changes {label.lower()}.",
            choices=MOVED,
        ),
        *(
            Number(
                key=f"{prefix}_{end}", label=f"{label}, {word}", group="", default=value, minimum=row.minimum,
                maximum=row.maximum, step=row.step, unit=row.unit, help=f"Of {row.label}.",
            )
            for end, word, value in ends
        ),
        whole(f"{prefix}_count", f"{label}, values", count, 2, 50, "At equal distances."),
    )  # fmt: skip


def _named(quantity: Any) -> str:
    return f"{quantity.label} ({quantity.unit})" if quantity.unit else quantity.label


def _with_unit(quantity: Any, place: int) -> str:
    unit = "" if not quantity.unit else quantity.unit if quantity.unit == "°" else f" {quantity.unit}"
    return f"{quantity.values[place]:.4g}{unit}"
