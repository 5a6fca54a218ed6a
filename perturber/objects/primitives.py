"""Simple meshes made on the spot, for benchmarks and tests: nothing of them depends on the library's artwork."""

import numpy as np

from perturber.objects.mesh import MorphPair


def sphere_pair(*, name: str = "sphere", segments: int = 100, texture_size: int = 1024) -> MorphPair:
    """A checkered unit sphere that morphs into an ellipsoid of inverted colours; 2 · segments² triangles.

    Args:
        segments: faces around and from pole to pole.
        texture_size: side of the textures, a power of two.
    """
    u, v = np.meshgrid(np.linspace(0, 1, segments + 1), np.linspace(1, 0, segments + 1))
    longitude, latitude = 2 * np.pi * u, np.pi * (1 - v)
    sphere = np.stack(
        (np.sin(latitude) * np.sin(longitude), np.cos(latitude), np.sin(latitude) * np.cos(longitude)), -1
    ).reshape(-1, 3)
    radii = np.array([1.0, 0.6, 0.8])
    normals = sphere / radii
    corner = (np.arange(segments)[:, None] * (segments + 1) + np.arange(segments)).ravel()
    below = corner + segments + 1
    faces = np.concatenate((np.stack((corner, below, corner + 1), 1), np.stack((corner + 1, below, below + 1), 1)))
    y, x = np.mgrid[:texture_size, :texture_size] / texture_size
    checks = ((x * 16).astype(int) + (y * 16).astype(int)) % 2
    texture = (np.stack((0.15 + 0.7 * checks, x, y), -1) * 255).astype(np.uint8)
    return MorphPair(
        name=name,
        label="Sphere ↔ Ellipsoid",
        names=("Sphere", "Ellipsoid"),
        faces=faces.astype(np.int32),
        uv=np.stack((u, v), -1).reshape(-1, 2).astype(np.float32),
        positions=np.stack((sphere, sphere * radii)).astype(np.float32),
        normals=np.stack((sphere, normals / np.linalg.norm(normals, axis=1, keepdims=True))).astype(np.float32),
        textures=np.stack((texture, 255 - texture)),
        specular=(0.3, 0.3),
        shininess=(20.0, 20.0),
    )
