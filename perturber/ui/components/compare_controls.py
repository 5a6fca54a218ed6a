"""What the controls of the Compare page show: it follows from the page's state."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from perturber.editing import Edit
from perturber.figures.comparison import column_colours
from perturber.service import MAX_MODELS, MAX_PICTURES, VARIATION, ModelInfo
from perturber.ui.components.controls import At, options, slot_style
from perturber.ui.states.channels import MAX_NEURONS, written
from perturber.ui.states.compare import MIN_MODELS, CompareState
from perturber.ui.states.compare_changes import OTHER
from perturber.ui.states.reading import layer_options

HEADINGS = {"channels": "Differ most now", "depth": "Where they diverge", "cka": "Layers", "same": "Channels"}

EXPLAINED = {
    "channels": "",
    "depth": "1 − cosine is 0 where activations point the same way, whatever their size; the relative distance "
    "‖x − A‖ / ‖A‖ is 0 only where they are the same. Layers are in the order of computation. Click a point to see "
    "the channels of its layer.",
    "cka": "Linear centred kernel alignment (Kornblith et al. 2019): 1 where two layers represent the pictures alike "
    "up to rotation and scale, 0 where they have nothing in common. Maps are average-pooled to at most 7 × 7. Over few "
    "pictures all layers look alike. Click a cell to see the channels of its two layers.",
    "same": "Pearson correlation of activations over all pictures and positions. Where the features of two networks "
    "are aligned, the diagonal is red.",
}
"""Tab → how to read its figure."""


def pictures_sentence(state: CompareState) -> str:
    """Over which pictures a job compares."""
    if state.pictures == "examples":
        return "Over pictures of the configured folder of examples, evenly spread."
    return f"Over this scene and random variations of it, the same ones each time (seed 0): {VARIATION}."


def compare_controls(
    state: CompareState, models: Mapping[str, ModelInfo], *, examples: bool
) -> dict[At, dict[str, Any]]:
    """What the controls show.

    Args:
        models: that can be chosen; those that are shown are among them.
        examples: whether there is a folder of example pictures.
    """
    infos = [models[name] for name in state.models]
    return {
        **_column_controls(state, models),
        **_tab_controls(state, infos),
        **_tool_controls(state, infos, examples=examples),
    }


def model_label(info: ModelInfo) -> str:
    """What a menu calls a model: of an edit also what was edited."""
    what = info.name.partition("(")[2].removesuffix(")").partition(";")[2] if Edit.is_edit(info.name) else ""
    return f"{info.label} ({what})" if what else info.label


def _column_controls(state: CompareState, models: Mapping[str, ModelInfo]) -> dict[At, dict[str, Any]]:
    choices = [*options((m.name, model_label(m)) for m in models.values())]
    choices.append({"value": OTHER, "label": "Another model or an edit …"})
    colours = column_colours([Edit.is_edit(name) for name in state.models])
    count = len(state.models)
    shown: dict[At, dict[str, Any]] = {}
    for n in range(MAX_MODELS):
        there = n < count
        colour, text = colours[n] if there else ("", "")
        shown |= {
            At("model", n): {"options": choices, "value": state.models[n] if there else None},
            At("column", n): {
                "className": "model" if there else "model gone",
                "style": slot_style(colour, text),
            },
        }
    lists = tuple(dict.fromkeys(models[name].classes for name in state.models))
    return {
        **shown,
        At("columns"): {"style": {"--columns": count}, "className": "models two" if count <= MIN_MODELS else "models"},
        At("add"): {
            "disabled": count >= MAX_MODELS,
            "title": f"Up to {MAX_MODELS} models side by side",
        },
        At("named"): {"value": ""},
        At("pin"): {"options": _class_options(lists), "value": None},
    }


@lru_cache(maxsize=16)
def _class_options(lists: tuple[tuple[str, ...], ...]) -> list[dict[str, Any]]:
    """Classes of several lists, each once; a number that stands for several names has them all."""
    names: dict[int, list[str]] = {}
    for one in lists:
        for index, name in enumerate(one):
            known = names.setdefault(index, [])
            if name not in known:
                known.append(name)
    fewest = min(map(len, lists))  # a class can be followed where every model has it
    return options((index, f"{' / '.join(known)} ({index})") for index, known in names.items() if index < fewest)


def _tab_controls(state: CompareState, infos: list[ModelInfo]) -> dict[At, dict[str, Any]]:
    columns = options((n, f"{n} · {model_label(info)}") for n, info in enumerate(infos, 1))
    about = EXPLAINED[state.tab]
    if state.tab in ("cka", "same"):
        about += f" {pictures_sentence(state)}"
    return {
        At("tab"): {"value": state.tab},
        At("frame"): {"className": f"tab on-{state.tab}"},
        At("a"): {"options": columns, "value": state.a},
        At("b"): {"options": columns, "value": state.b},
        At("graph", "depth"): {"clickData": None},
        At("graph", "job"): {"clickData": None},
        At("heading"): {"children": HEADINGS[state.tab]},
        At("about"): {"children": about},
    }


def _tool_controls(state: CompareState, infos: list[ModelInfo], *, examples: bool) -> dict[At, dict[str, Any]]:
    first, second = infos[state.a - 1], infos[state.b - 1]
    total = first.layers[state.layer].channels
    orders = [("number", "B by number"), ("partner", "B by best partner")]
    sources = [
        {"value": "scene", "label": "variations", "title": f"This scene and random variations of it: {VARIATION}."},
        {
            "value": "examples",
            "label": "example pictures",
            "disabled": not examples,
            "title": "Pictures of the folder that PERTURBER_EXAMPLES names, evenly spread",
        },
    ]
    return {
        At("layer"): {"options": layer_options(first), "value": state.layer},
        At("other"): {"options": layer_options(second), "value": state.other},
        At("number"): {"value": len(state.channels), "max": min(MAX_NEURONS, total)},
        At("channels"): {"value": written(state.channels)},
        At("matched"): {"options": options(orders), "value": "partner" if state.matched else "number"},
        At("count"): {"value": state.count, "max": MAX_PICTURES},
        At("pictures"): {"options": sources, "value": state.pictures},
    }
