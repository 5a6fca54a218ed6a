"""The renderer: scenes in, pictures out, batched on one device."""

import math
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property, reduce
from types import SimpleNamespace

import torch
from torch import Tensor

from perturber import objects
from perturber.objects import MorphPair
from perturber.render.backdrop import Backdrop
from perturber.render.camera import projection, rotation
from perturber.render.geometry import Triangles, project, select
from perturber.render.rasterizer import rasterize
from perturber.render.shading import blinn_phong
from perturber.render.texture import MipTexture
from perturber.scene import SceneBase, values

SUPERSAMPLING = 2
"""Samples per pixel along each axis."""

AT_ONCE_ON_CPU = 4
"""Pictures that are drawn in one go: few enough for a core's cache, enough to make each operation worth its call."""

AT_ONCE_ON_GPU = 32
"""Bounds the memory."""

OBJECT_PARAMETERS = (
    "yaw", "pitch", "roll", "distance", "pan_x", "pan_y", "morph", "shape_morph", "texture_morph",
    "texture_influence", "texture_blur", "lighting_influence",
)  # fmt: skip


class Renderer:
    """Draws scenes: the foreground object, perspective-correct and anti-aliased, over its background.

    Post-processing is not its business (see `perturber.effects`).

    Args:
        device: where everything is kept and drawn.
        size: side of the pictures, in pixels.
    """

    def __init__(self, device: torch.device | str = "cpu", *, size: int = 224) -> None:
        self.device = torch.device(device)
        self.size = size
        self._models: dict[str, _Model] = {}
        self._backdrops: dict[str, Backdrop] = {}

    def render(self, scenes: Sequence[SceneBase]) -> Tensor:
        """Draw a batch of scenes.

        Returns:
            (B, 3, size, size) float32 RGB in [0, 1]; each picture is the same whatever else is in the batch.
        """
        pictures = self.background(scenes)
        layers = self.foreground(scenes)
        return pictures * (1 - layers[:, 3:]) + layers[:, :3]

    def foreground(self, scenes: Sequence[SceneBase]) -> Tensor:
        """The objects alone: (B, 4, size, size) RGB, premultiplied by the coverage in the fourth channel."""
        by_object: defaultdict[str, list[int]] = defaultdict(list)
        for i, scene in enumerate(scenes):
            by_object[scene.object].append(i)
        pictures = torch.zeros(len(scenes), 4, self.size, self.size, device=self.device)
        for name, indices in by_object.items():
            model = self._model(name)
            jobs = [(model, [scenes[i] for i in part]) for part in self._chunks(indices)]
            pictures[indices] = torch.cat(self._draw_all(jobs))
        return pictures

    def background(self, scenes: Sequence[SceneBase]) -> Tensor:
        """The backgrounds alone: (B, 3, size, size) RGB in [0, 1]."""
        names = values(scenes, "background")
        blur, saturation = (self._tensor(values(scenes, f"background_{key}")) for key in ("blur", "saturation"))
        pictures = torch.empty(len(scenes), 3, self.size, self.size, device=self.device)
        for name in dict.fromkeys(names):
            indices = [i for i, other in enumerate(names) if other == name]
            pictures[indices] = self._backdrop(name).view(blur[indices], saturation[indices])
        return pictures

    def add_pair(self, pair: MorphPair) -> None:
        """Put an object on the device under its name, in place of one from the library."""
        self._models[pair.name] = _Model(pair, self.device)

    def _draw_all(self, jobs: list[tuple["_Model", list[SceneBase]]]) -> list[Tensor]:
        if self.device.type != "cpu":
            return [self._draw(*job) for job in jobs]
        if len(jobs) == 1:
            with _one_thread():
                return [self._draw(*jobs[0])]
        inference, grad = torch.is_inference_mode_enabled(), torch.is_grad_enabled()

        def draw(job: tuple["_Model", list[SceneBase]]) -> Tensor:
            with torch.inference_mode(inference), torch.set_grad_enabled(grad):
                return self._draw(*job)

        return list(self._pool.map(draw, jobs))

    @cached_property
    def _grid(self) -> Tensor:
        """x and y of each sample of a picture, in samples: (2, S²)."""
        line = torch.arange(self.size * SUPERSAMPLING, dtype=torch.float32, device=self.device)
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

    def _draw(self, model: "_Model", scenes: list[SceneBase]) -> Tensor:
        samples = self.size * SUPERSAMPLING
        p = SimpleNamespace(**{key: self._tensor(values(scenes, key)) for key in OBJECT_PARAMETERS})
        triangles = model.triangles(p, samples)
        depth, offset = triangles.coefficients[:, 0], triangles.picture * samples**2
        owner = triangles.owner
        if owner is not None:
            depth, offset = depth.index_select(1, owner), offset.index_select(0, owner)
        address, triangle = rasterize(
            triangles.x, triangles.y, depth, offset, samples=len(scenes) * samples**2, size=samples
        )
        if owner is not None:
            triangle = owner.index_select(0, triangle)
        canvas = torch.zeros(4, len(scenes) * samples**2, device=self.device)
        canvas[:3].index_copy_(1, address, model.shade(p, triangles, address, triangle, self._grid))
        canvas[3].index_fill_(0, address, 1.0)
        # The mean over the samples of each pixel.
        columns = reduce(torch.add, canvas.view(-1, self.size, SUPERSAMPLING).unbind(2))
        rows = reduce(torch.add, columns.view(4, len(scenes), self.size, SUPERSAMPLING, self.size).unbind(3))
        return (rows / SUPERSAMPLING**2).transpose(0, 1)

    def _tensor(self, numbers: list[float]) -> Tensor:
        return torch.tensor(numbers, dtype=torch.float32, device=self.device)

    def _model(self, name: str) -> "_Model":
        if name not in self._models:
            self._models[name] = _Model(objects.pair(name), self.device)
        return self._models[name]

    def _backdrop(self, name: str) -> Backdrop:
        if name not in self._backdrops:
            picture = torch.tensor(objects.background(name), device=self.device).permute(2, 0, 1) / 255
            self._backdrops[name] = Backdrop(picture, self.size)
        return self._backdrops[name]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to this thread: waking others for the small steps of one picture costs more than they save."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Model:
    """A morph pair on the device."""

    def __init__(self, pair: MorphPair, device: torch.device) -> None:
        self.positions, self.normals = (
            torch.tensor(array, device=device).transpose(1, 2).contiguous() for array in (pair.positions, pair.normals)
        )
        uv = torch.tensor(pair.uv, device=device).T
        self.constants = torch.cat((torch.ones_like(uv[:1]), uv))
        self.faces = torch.tensor(pair.faces, device=device).long().T.contiguous()
        self.textures = [MipTexture(torch.tensor(t, device=device).permute(2, 0, 1) / 255) for t in pair.textures]
        self.specular = torch.tensor(pair.specular, device=device)
        self.shininess = torch.tensor(pair.shininess, device=device)

    def triangles(self, p: SimpleNamespace, samples: int) -> Triangles:
        """Attributes of the triangles: 1, u, v and the normal in camera space."""
        shape = (p.morph + p.shape_morph).clamp(0, 1).view(-1, 1, 1)
        turn = rotation(p.yaw, p.pitch, p.roll)
        move = torch.stack((p.pan_x, p.pan_y, -p.distance), 1)[:, :, None]
        camera = projection(samples, turn.device)
        points = torch.baddbmm(camera @ move, camera @ turn, torch.lerp(self.positions[0], self.positions[1], shape))
        normals = turn @ torch.lerp(self.normals[0], self.normals[1], shape)
        attributes = torch.cat((self.constants.expand(len(shape), -1, -1), normals), 1)
        return project(points, attributes, self.faces)

    def shade(
        self, p: SimpleNamespace, triangles: Triangles, address: Tensor, triangle: Tensor, grid: Tensor
    ) -> Tensor:
        """Colour of each covered sample: (3, N); `grid` holds the x and y of each sample of one picture, (2, S²)."""
        if len(p.yaw) > 1:
            picture = triangles.picture.index_select(0, triangle)
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
        colour = torch.lerp(torch.ones_like(colour), colour, p.texture_influence)
        shade, gloss = blinn_phong(normal, torch.lerp(self.shininess[0], self.shininess[1], mix))
        shade = 1 + p.lighting_influence * (shade - 1)
        gloss = gloss * (torch.lerp(self.specular[0], self.specular[1], mix) * p.lighting_influence)
        return torch.addcmul(gloss, colour, shade).clamp_(0, 1)

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
