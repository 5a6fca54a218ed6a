"""Fourier sensitivity as an experiment of the page."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from plotly.graph_objects import Figure

from perturber.experiments.fourier import MOST, FourierSensitivity, frequencies
from perturber.experiments.measurements.measurement import Pick, whole
from perturber.figures.tuning import fourier_sensitivity
from perturber.parameters import PARAMETERS, Number, Parameter
from perturber.scene import Scene
from perturber.service import VARIATION, InferenceService
from perturber.service.batches import MAX_PICTURES, MIN_PICTURES, Batch
from perturber.service.estimates import seconds_a_picture
from perturber.service.works.tuning import MAX_NORM, FourierRequest
from perturber.ui.experiments.base import Chosen, Cost, Experiment, Known, Numbers

OF_SCENES = tuple(PARAMETERS[key] for key in ("object", "background"))
BANDS = ((0.0, 1.5), (1.5, 3.5), (3.5, 7.5), (7.5, 15.5), (15.5, 64.0))
"""Cycles a picture, between which errors are summed up in the table."""


class Fourier(Experiment):
    """To which single frequencies networks are sensitive."""

    group = "Scenes"
    key = "fourier"
    title = "Sensitivity to frequencies"
    asks = "Which single spatial frequency, added to pictures, changes what networks predict?"
    definition = (
        "A real Fourier basis picture of norm 1 and frequency (down, across), in cycles a picture, is scaled to an L2 "
        "norm v in the [0, 1] pixel scale and added to each channel with a random sign; the picture is clipped to "
        "[0, 1]. Error: the share of pictures whose most probable class is then another one than without it. The "
        "middle of the map is frequency 0. Pictures are variations of a scene ("
        f"{VARIATION}), or example pictures."
    )
    source = (
        "Yin et al. 2019, “A Fourier perspective on model robustness in computer vision”; Figure 5.5 of the thesis on "
        "Perturber"
    )

    works = ("yin2019",)

    def options(self, model: str, given: Mapping[str, object], known: Known) -> tuple[Parameter, ...]:
        """How strong, and on which pictures."""
        pictures = {"scene": "variations of a scene"} | ({"examples": "example pictures"} if known.examples else {})
        scene = OF_SCENES if given.get("pictures", "scene") == "scene" else ()
        return (
            Number(
                key="norm", label="Norm v", group="", default=4.0, minimum=0.1, maximum=MAX_NORM, step=0.1,
                help="L2 norm of what is added to each channel, in the [0, 1] pixel scale.",
            ),
            whole("most", "Up to", 6, 1, MOST, "Cycles a picture, down and across."),
            whole("count", "Pictures", 16, MIN_PICTURES, MAX_PICTURES, "That each network is shown."),
            Pick(
                key="pictures", label="Of", group="", default="scene", help="Which pictures these are.",
                choices=pictures,
            ),
            *scene,
            whole("seed", "Seed", 0, 0, 9_999, "Of the variations and of the signs."),
        )  # fmt: skip

    def order(self, service: InferenceService, chosen: Chosen) -> FourierRequest:
        """All networks over the same pictures."""
        infos, options = [service.model(name) for name in chosen.models], chosen.options
        scene = None
        if options["pictures"] == "scene":
            scene = Scene.parse({one.key: options[one.key] for one in OF_SCENES})
        seed = int(options["seed"])
        return FourierRequest(
            models=tuple(info.name for info in infos),
            batch=Batch(scene=scene, count=int(options["count"]), seed=seed),
            norm=options["norm"],
            most=int(options["most"]),
            seed=seed,
            fingerprints=tuple(info.fingerprint for info in infos),
        )

    def cost(self, service: InferenceService, request: FourierRequest) -> Cost:
        """Every picture without anything, and with each frequency."""
        pictures = request.batch.count * (1 + len(frequencies(request.most)))
        each = seconds_a_picture(service, request.batch.scene or Scene(), request.models)
        return Cost(pictures=pictures, seconds=pictures * each)

    def views(self, product: FourierSensitivity) -> dict[str, str]:
        """One."""
        return {"fourier": "Error over frequencies"}

    def figure(
        self, product: FourierSensitivity, view: str, labels: Mapping[str, str], options: Mapping[str, Any]
    ) -> Figure:
        """A map for each network."""
        return fourier_sensitivity(product, tuple(labels.get(model, model) for model in product.models))

    def numbers(self, product: FourierSensitivity, view: str, labels: Mapping[str, str]) -> Numbers:
        """The mean error in bands of frequencies."""
        line = np.arange(-product.most, product.most + 1)
        radius = np.hypot(*np.meshgrid(line, line))
        rows = []
        for low, high in BANDS:
            within = (radius >= low) & (radius < high)
            if within.any():
                means = [_mean(errors[within]) for errors in product.errors]
                top = min(high - 0.5, float(radius.max()))
                rows.append((f"{low + 0.5 if low else 0:g} to {top:.0f} cycles a picture", *means))
        head = ("Mean error, %", *(labels.get(model, model) for model in product.models))
        return Numbers(head=head, rows=tuple(rows))

    def csv(self, product: FourierSensitivity) -> str:
        """A row for each frequency."""
        file = io.StringIO()
        lines = csv.writer(file)
        lines.writerow(["cycles down", "cycles across", *(f"{model}: error" for model in product.models)])
        for (row, column), _ in np.ndenumerate(product.errors[0]):
            values = [float(errors[row, column]) for errors in product.errors]
            written = ["" if np.isnan(value) else f"{value:.6g}" for value in values]
            lines.writerow([row - product.most, column - product.most, *written])
        return file.getvalue()

    def json(self, product: FourierSensitivity) -> dict[str, Any]:
        """The errors."""
        return {
            "models": list(product.models),
            "norm": product.norm,
            "most": product.most,
            "pictures": product.count,
            "errors": [errors.tolist() for errors in product.errors],
        }


def _mean(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    return f"{100 * known.mean():.1f}" if len(known) else "–"
