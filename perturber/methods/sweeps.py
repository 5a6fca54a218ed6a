"""Sweeps, in sentences for a paper's methods section."""

from perturber.experiments.sweep import Axis, Design, Grid
from perturber.parameters import Number, get


def gone_through(design: Design) -> str:
    """Which scenes were looked at."""
    if isinstance(design, Grid):
        if design.pictures is not None:
            many = f"{len(design.pictures.values):,} pictures of the folder {design.pictures.folder.name} were shown"
            return f"{many}, {f'each with {_axis(design.axes[1])}' if design.axes[1:] else 'each once'}."
        axes = " and ".join(map(_axis, design.axes))
        every = "Every combination of" if len(design.axes) > 1 else "All of"
        return f"{every} {axes} was rendered, {len(design):,} scenes, all else as in the first."
    ranges = ", ".join(f"{_named(one.key)} from {one.low:g} to {one.high:g}" for one in design.ranges)
    return (
        f"{design.count:,} scenes were rendered that are a Latin hypercube [@mckay1979] (seed {design.seed}) of "
        f"{ranges}, all else as in the first."
    )


def _axis(axis: Axis) -> str:
    if isinstance(get(axis.key), Number):
        return f"{len(axis.values)} values of {_named(axis.key)} from {axis.values[0]:g} to {axis.values[-1]:g}"
    return f"{len(axis.values)} values of {_named(axis.key)}"


def _named(key: str) -> str:
    parameter = get(key)
    return f"{parameter.label}{f' ({parameter.unit})' if parameter.unit else ''}"
