"""The pair Fire Truck ↔ Race Car."""

from collections.abc import Callable

import numpy as np

from perturber.objects.generators import firetruck, firetruck_paint, racecar, racecar_paint
from perturber.objects.generators.parts import Assembly, Part
from perturber.objects.generators.shapes import box, shell, turned
from perturber.objects.mesh import MorphPair

Array = np.ndarray

TEXTURE = 2048

Paint = Callable[[str, Array, Array, Array], Array]
"""Part name, places, normals, (station, column) on the shell → colours."""


def generate() -> MorphPair:
    """Build meshes and textures of both vehicles."""
    body = shell("shell", firetruck.shell(), racecar.shell(len(firetruck.STATIONS)))
    parts = [body]
    car_blocks, car_turned = racecar.blocks(), racecar.turned()
    for name, block in firetruck.blocks().items():
        parts.append(box(name, block, car_blocks[name]))
    for name, form in firetruck.turned().items():
        one = turned(name, form, car_turned[name], scale=1.25 if name.endswith("wheel") else 1.0)
        parts += [one] if name == "turntable" else [one, one.mirrored()]
    assembly = Assembly.build(parts, TEXTURE)
    textures = [_paint(assembly, i, paint) for i, paint in enumerate((firetruck_paint.paint, racecar_paint.paint))]
    return assembly.pair(
        textures,
        name="firetruck_racecar",
        label="Fire Truck ↔ Race Car",
        names=("Fire Truck", "Race Car"),
        specular=(0.35, 0.45),
        shininess=(40.0, 50.0),
    )


def _paint(assembly: Assembly, i: int, paint: Paint) -> Array:
    p, normal = assembly.places(i)
    names = np.array([part.name for part in assembly.parts])[assembly.texel_parts()]
    params = _shell_params(assembly)
    colours = np.zeros_like(p)
    for name in dict.fromkeys(part.name for part in assembly.parts):
        at = names == name
        colours[at] = paint(name, p[at], normal[at], params[at])
    return assembly.texels.picture(colours)


def _shell_params(assembly: Assembly) -> Array:
    """Station and half-outline column of each texel of the shell (elsewhere meaningless): (N, 2)."""
    body: Part = assembly.parts[0]
    stations = len(firetruck.STATIONS)
    columns = (body.positions.shape[1] - 2) // stations
    station, column = np.divmod(np.arange(stations * columns), columns)
    folded = np.minimum(column, columns - column)
    params = np.zeros((assembly.positions.shape[1], 2))
    params[: len(station)] = np.stack((station, folded), 1)
    params[len(station) : len(station) + 2] = [[0, columns / 4], [stations - 1, columns / 4]]
    return assembly.texels.spread(params[assembly.faces])
