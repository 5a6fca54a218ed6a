"""The renderer: scenes in, pictures out, batched on one device."""

import math
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, reduce
from types import SimpleNamespace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from perturber import objects
from perturber.objects import MorphPair
from perturber.render.backdrop import Backdrop
from perturber.render.camera import projection, rotation
from perturber.render.geometry import Triangles, project, select
from perturber.render.plane import plane_pair
from perturber.render.rasterizer import rasterize
from perturber.render.shading import blinn_phong, lamp_directions
from perturber.render.texture import MipTexture
from perturber.scene import SceneBase
from perturber.threads import one_thread

T = TypeVar("T")

KEPT = 16
"""Objects and backgrounds that stay on the device before the least recently used one leaves."""

SUPERSAMPLING = 2
"""Samples per pixel along each axis."""

AT_ONCE_ON_CPU = 4
"""Pictures that are drawn in one go: few enough for a core's cache, enough to make each operation worth its call."""

AT_ONCE_ON_GPU = 32
"""Bounds the memory."""

LAYERS = 4
"""Surfaces behind each other that are seen through a texture's holes and glass; what lies deeper is left out."""

OBJECT_PARAMETERS = (
    "yaw", "pitch", "roll", "distance", "pan_x", "pan_y", "morph", "shape_morph", "texture_morph",
    "texture_influence", "texture_blur", "lighting_influence", "light_azimuth", "light_elevation",
)  # fmt: skip

BACKDROP_PARAMETERS = ("background_blur", "background_saturation", "background_rotation")

Values = Mapping[str, Tensor]
"""Parameter key → (B,), in place of what the scenes say: for derivatives with respect to parameters."""


class Renderer:
    """Draws scenes: the foreground object, perspective-correct and anti-aliased, over its background.

    Post-processing is not its business (see `perturber.effects`).

    Args:
        device: where everything is kept and drawn.
        size: side of the pictures, in pixels.
        dtype: of the pictures and of everything on the way; float64 is there to check derivatives.
    """

    def __init__(
        self, device: torch.device | str = "cpu", *, size: int = 224, dtype: torch.dtype = torch.float32
    ) -> None:
        self.device = torch.device(device)
        self.size = size
        self.dtype = dtype
        self._models: OrderedDict[str, _Model] = OrderedDict()
        self._backdrops: OrderedDict[str, Backdrop] = OrderedDict()

    def render(self, scenes: Sequence[SceneBase], values: Values | None = None) -> Tensor:
        """Draw a batch of scenes; differentiable in `values`, apart from where the outlines of objects lie.

        Args:
            scenes: B scenes.
            values: parameter key → (B,), in place of what the scenes say.

        Returns:
            (B, 3, size, size) float32 RGB in [0, 1]; each picture is the same whatever else is in the batch.
        """
        pictures = self.background(scenes, values)
        layers = self.foreground(scenes, values)
        return pictures * (1 - layers[:, 3:]) + layers[:, :3]

    def foreground(self, scenes: Sequence[SceneBase], values: Values | None = None) -> Tensor:
        """The objects alone: (B, 4, size, size) RGB, premultiplied by the coverage in the fourth channel."""
        by_object: defaultdict[str, list[int]] = defaultdict(list)
        for i, scene in enumerate(scenes):
            by_object[_object(scene)].append(i)
        pictures = torch.zeros(len(scenes), 4, self.size, self.size, dtype=self.dtype, device=self.device)
        for name, indices in by_object.items():
            model = self._model(name)
            alike = _alike(OBJECT_PARAMETERS, scenes, indices, values)
            parts = self._chunks([same[0] for same in alike])
            jobs = [(model, self._columns(OBJECT_PARAMETERS, scenes, part, values)) for part in parts]
            for same, drawn in zip(alike, torch.cat(self._draw_all(jobs)), strict=True):
                pictures[same] = drawn
        return pictures

    def background(self, scenes: Sequence[SceneBase], values: Values | None = None) -> Tensor:
        """The backgrounds alone: (B, 3, size, size) RGB in [0, 1]."""
        names = [scene.background for scene in scenes]
        pictures = torch.empty(len(scenes), 3, self.size, self.size, dtype=self.dtype, device=self.device)
        for name in dict.fromkeys(names):
            alike = _alike(BACKDROP_PARAMETERS, scenes, [i for i, own in enumerate(names) if own == name], values)
            columns = self._columns(BACKDROP_PARAMETERS, scenes, [same[0] for same in alike], values)
            for same, view in zip(alike, self._backdrop(name).view(*vars(columns).values()), strict=True):
                pictures[same] = view
        return pictures

    def add_pair(self, pair: MorphPair) -> None:
        """Put an object on the device under its name, in place of one from the library."""
        self._models[pair.name] = _Model(pair, self.device, self.dtype)

    def add_plane(self, neuron: str, picture: np.ndarray) -> None:
        """Give a neuron's plane its picture: (T, T, 3) uint8, T a power of two."""
        self.add_pair(plane_pair(plane_name(neuron), picture))

    def _columns(
        self, keys: Sequence[str], scenes: Sequence[SceneBase], indices: list[int], values: Values | None
    ) -> SimpleNamespace:
        """One tensor for each parameter, with the values of the scenes at these indices."""
        values = values or {}
        return SimpleNamespace(
            **{
                key: values[key][indices] if key in values else self._tensor([getattr(scenes[i], key) for i in indices])
                for key in keys
            }
        )

    def _draw_all(self, jobs: list[tuple["_Model", SimpleNamespace]]) -> list[Tensor]:
        if self.device.type != "cpu":
            return [self._draw(*job) for job in jobs]
        if len(jobs) == 1:
            with one_thread():
                return [self._draw(*jobs[0])]
        inference, grad = torch.is_inference_mode_enabled(), torch.is_grad_enabled()

        def draw(job: tuple["_Model", SimpleNamespace]) -> Tensor:
            with torch.inference_mode(inference), torch.set_grad_enabled(grad):
                return self._draw(*job)

        return list(self._pool.map(draw, jobs))

    @cached_property
    def _grid(self) -> Tensor:
        """x and y of each sample of a picture, in samples: (2, S²)."""
        with torch.inference_mode(False):  # it may take part in derivatives later
            line = torch.arange(self.size * SUPERSAMPLING, dtype=self.dtype, device=self.device)
            y, x = torch.meshgrid(line, line, indexing="ij")
            return torch.stack((x.flatten(), y.flatten()))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """Workers that draw pictures, each on one core: that shares the work better than torch's own threads."""
        workers = torch.get_num_threads()
        pool = ThreadPoolExecutor(workers, thread_name_prefix="render", initializer=lambda: torch.set_num_threads(1))
        everyone = threading.Barrier(workers)
        list(pool.map(lambda _: everyone.wait(), range(workers)))
        torch.set_num_threads(workers)  # what the workers set is also what threads made later would start with
        return pool

    def _chunks(self, indices: list[int]) -> list[list[int]]:
        step = AT_ONCE_ON_GPU
        if self.device.type == "cpu":
            step = min(AT_ONCE_ON_CPU, math.ceil(len(indices) / torch.get_num_threads()))
        return [indices[i : i + step] for i in range(0, len(indices), step)]

    def _draw(self, model: "_Model", p: SimpleNamespace) -> Tensor:
        samples, pictures = self.size * SUPERSAMPLING, len(p.yaw)
        triangles = model.triangles(p, samples)
        canvas = torch.zeros(4, pictures * samples**2, dtype=self.dtype, device=self.device)
        if model.transparent:
            canvas = self._peel(model, p, triangles, canvas)
        else:
            address, triangle, _ = _visible(triangles, samples, pictures)
            canvas[:3].index_copy_(1, address, model.shade(p, triangles, address, triangle, self._grid))
            canvas[3].index_fill_(0, address, 1.0)
        # The mean over the samples of each pixel.
        columns = reduce(torch.add, canvas.view(-1, self.size, SUPERSAMPLING).unbind(2))
        rows = reduce(torch.add, columns.view(4, pictures, self.size, SUPERSAMPLING, self.size).unbind(3))
        return (rows / SUPERSAMPLING**2).transpose(0, 1)

    def _peel(self, model: "_Model", p: SimpleNamespace, triangles: Triangles, canvas: Tensor) -> Tensor:
        """One surface behind the other, from the nearest on, until nothing shines through."""
        behind = None
        for _ in range(LAYERS):
            address, triangle, behind = _visible(triangles, self.size * SUPERSAMPLING, len(p.yaw), behind)
            if not len(address):
                break
            colour = model.shade(p, triangles, address, triangle, self._grid)
            canvas = canvas.index_add(1, address, colour * (1 - canvas[3].index_select(0, address)))
            # Behind what lets no light through there is nothing more to be seen.
            behind = torch.where(canvas[3] < 1 - 1 / 512, behind, -1)
        return canvas

    def _tensor(self, numbers: list[float]) -> Tensor:
        return torch.tensor(numbers, dtype=self.dtype, device=self.device)

    def _model(self, name: str) -> "_Model":
        return _kept(self._models, name, lambda: _Model(objects.pair(name), self.device, self.dtype))

    def _backdrop(self, name: str) -> Backdrop:
        def load() -> Backdrop:
            picture = torch.tensor(objects.background(name), device=self.device).permute(2, 0, 1).to(self.dtype) / 255
            return Backdrop(picture, self.size)

        return _kept(self._backdrops, name, load)


def plane_name(neuron: str) -> str:
    """Under which name the renderer keeps the plane of a neuron's feature visualisation; no object is called so."""
    return f"plane {neuron}"


def _object(scene: SceneBase) -> str:
    """What stands in the foreground."""
    return plane_name(scene.plane_neuron) if scene.plane else scene.object


def _alike(
    keys: Sequence[str], scenes: Sequence[SceneBase], indices: Sequence[int], values: Values | None
) -> list[list[int]]:
    """Those of the indices together whose scenes say the same of some parameters: they are drawn once."""
    if values:
        return [[i] for i in indices]
    groups: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for i in indices:
        groups[tuple(getattr(scenes[i], key) for key in keys)].append(i)
    return list(groups.values())


def _kept(cache: OrderedDict[str, T], name: str, load: Callable[[], T]) -> T:
    """What has this name, loaded where it is not there; the least recently used one makes room."""
    if name not in cache:
        with torch.inference_mode(False):  # it may take part in derivatives later
            cache[name] = load()
    cache.move_to_end(name)
    while len(cache) > KEPT:
        cache.popitem(last=False)
    return cache[name]


def _visible(
    triangles: Triangles, samples: int, pictures: int, behind: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """See `rasterize`, with triangles in place of their pieces."""
    depth, offset = triangles.coefficients[:, 0], triangles.picture * samples**2
    owner = triangles.owner
    if owner is not None:
        depth, offset = depth.index_select(1, owner), offset.index_select(0, owner)
    address, triangle, keys = rasterize(
        triangles.x, triangles.y, depth, offset, samples=pictures * samples**2, size=samples, behind=behind
    )
    return address, triangle if owner is None else owner.index_select(0, triangle), keys


class _Model:
    """A morph pair on the device."""

    def __init__(self, pair: MorphPair, device: torch.device, dtype: torch.dtype) -> None:
        self.positions, self.normals = (
            torch.tensor(array, dtype=dtype, device=device).transpose(1, 2).contiguous()
            for array in (pair.positions, pair.normals)
        )
        uv = torch.tensor(pair.uv, dtype=dtype, device=device).T
        self.constants = torch.cat((torch.ones_like(uv[:1]), uv))
        self.faces = torch.tensor(pair.faces, device=device).long().T.contiguous()
        self.transparent = pair.textures.shape[-1] == 4
        self.textures = [MipTexture(_texels(texture, device, dtype)) for texture in pair.textures]
        self.specular = torch.tensor(pair.specular, dtype=dtype, device=device)
        self.shininess = torch.tensor(pair.shininess, dtype=dtype, device=device)

    def triangles(self, p: SimpleNamespace, samples: int) -> Triangles:
        """Attributes of the triangles: 1, u, v and the normal in camera space."""
        shape = (p.morph + p.shape_morph).clamp(0, 1).view(-1, 1, 1)
        turn = rotation(p.yaw, p.pitch, p.roll)
        move = torch.stack((p.pan_x, p.pan_y, -p.distance), 1)[:, :, None]
        camera = projection(samples, turn.device, turn.dtype)
        points = torch.baddbmm(camera @ move, camera @ turn, torch.lerp(self.positions[0], self.positions[1], shape))
        normals = turn @ torch.lerp(self.normals[0], self.normals[1], shape)
        attributes = torch.cat((self.constants.expand(len(shape), -1, -1), normals), 1)
        return project(points, attributes, self.faces)

    def shade(
        self, p: SimpleNamespace, triangles: Triangles, address: Tensor, triangle: Tensor, grid: Tensor
    ) -> Tensor:
        """Colour of each covered sample, (3, N), or premultiplied colour and opacity, (4, N).

        `grid` holds the x and y of each sample of one picture, (2, S²).
        """
        directions = lamp_directions(p.light_azimuth, p.light_elevation)
        lamps = directions[0]
        if len(p.yaw) > 1:
            picture = triangles.picture.index_select(0, triangle)
            if _turned(p):
                lamps = directions.permute(1, 2, 0).index_select(2, picture)
            address = address - picture * grid.shape[1]
            p = SimpleNamespace(**{key: parameter.index_select(0, picture) for key, parameter in vars(p).items()})
        x, y = grid.index_select(1, address)
        a, b, c = select(triangles.coefficients, triangle)
        over_w = torch.addcmul(torch.addcmul(c, b, y), a, x)
        w = 1 / over_w[0]
        uv, normal = over_w[1:3] * w, over_w[3:]
        level = self._level(a, b, uv, w) + p.texture_blur

        mix = (p.morph + p.texture_morph).clamp(0, 1)
        colour = self._texel(self.textures[0].locate(uv, level), mix)
        opacity = colour[3:] if self.transparent else None
        colour = torch.lerp(torch.ones_like(colour[:3]), colour[:3], p.texture_influence)
        shade, gloss = blinn_phong(normal, torch.lerp(self.shininess[0], self.shininess[1], mix), lamps)
        shade = 1 + p.lighting_influence * (shade - 1)
        gloss = gloss * (torch.lerp(self.specular[0], self.specular[1], mix) * p.lighting_influence)
        if opacity is None:
            return torch.addcmul(gloss, colour, shade).clamp_(0, 1)
        # The texture is premultiplied; the white under it is not.
        colour = colour - (1 - p.texture_influence) * (1 - opacity)
        return torch.cat((torch.minimum(torch.addcmul(gloss * opacity, colour, shade).clamp(0, 1), opacity), opacity))

    def _level(self, a: Tensor, b: Tensor, uv: Tensor, w: Tensor) -> Tensor:
        """Mip level from the texels that one step on the sample grid covers, the larger axis of the two (OpenGL)."""
        texels = self.textures[0].size
        along_x, along_y = (torch.addcmul(k[1:3], uv, k[0], value=-1).square_().sum(0) for k in (a, b))
        spread = torch.maximum(along_x, along_y) * (w * texels).square_()
        return spread.clamp(1, texels**2).log2() * 0.5

    def _texel(self, places: tuple[Tensor, Tensor], mix: Tensor) -> Tensor:
        """The texture's colour (3, N); reads both textures only where both are to be seen."""
        if bool((mix == 0).all()):
            return self.textures[0].fetch(places)
        if bool((mix == 1).all()):
            return self.textures[1].fetch(places)
        first, second = (texture.fetch(places) for texture in self.textures)
        return torch.lerp(first, second, mix)


def _texels(texture: np.ndarray, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A texture for `MipTexture`; colours are multiplied by their opacity, so that what is not seen does not bleed."""
    texels = torch.tensor(texture, device=device).permute(2, 0, 1).to(dtype) / 255
    return texels if len(texels) == 3 else torch.cat((texels[:3] * texels[3:], texels[3:]))


def _turned(p: SimpleNamespace) -> bool:
    """Whether the lamps of any picture stand elsewhere than at their places."""
    angles = torch.stack((p.light_azimuth, p.light_elevation))
    return angles.requires_grad or bool((angles != 0).any())
