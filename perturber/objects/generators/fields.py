"""Smoothly joined primitives as a distance field, and the way from one such figure to another.

A figure is a list of primitives; two figures with the same list (same kinds, same order) can be blended
parameter by parameter. A point that belongs to a figure can be carried over to another one, because each
primitive has coordinates of its own.
"""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Cone:
    """A capsule whose two ends may have different radii.

    Attributes:
        limb: the part of the body that it belongs to.
        a, b: ends of the axis; fur flows from a to b.
        ra, rb: radii there.
        soft: width of the blend with neighbours.
    """

    limb: str
    a: Array
    b: Array
    ra: float
    rb: float
    soft: float

    def distance(self, p: Array) -> Array:
        t, away = self._along(p)
        t = np.clip(t, 0, 1)
        return np.sqrt((away**2).sum(1)) - (self.ra + (self.rb - self.ra) * t)

    def _along(self, p: Array) -> tuple[Array, Array]:
        axis = self.b - self.a
        t = (p - self.a) @ axis / (axis @ axis)
        return t, p - self.a - np.clip(t, 0, 1)[:, None] * axis

    def carry(self, p: Array, other: "Cone") -> Array:
        t, away = self._along(p)
        turn = _shortest_turn(self.b - self.a, other.b - other.a)
        inside = np.clip(t, 0, 1)
        grow = (other.ra + (other.rb - other.ra) * inside) / (self.ra + (self.rb - self.ra) * inside)
        return other.a + inside[:, None] * (other.b - other.a) + (away @ turn.T) * grow[:, None]

    def blend(self, other: "Cone", t: float) -> "Cone":
        return Cone(
            self.limb,
            *(u + (v - u) * t for u, v in zip(self._numbers(), other._numbers(), strict=True)),
        )

    def _numbers(self) -> tuple:
        return self.a, self.b, self.ra, self.rb, self.soft

    @property
    def flow(self) -> Array:
        return _unit(self.b - self.a)


@dataclass(frozen=True)
class Ball:
    """An ellipsoid, tilted about the x axis.

    Attributes:
        limb: the part of the body that it belongs to.
        centre: its centre.
        radii: half-axes along x, y, z before the tilt.
        tilt: degrees; positive lowers the front.
        soft: width of the blend with neighbours.
        flow: direction in which fur lies.
    """

    limb: str
    centre: Array
    radii: Array
    tilt: float
    soft: float
    flow: Array

    def _axes(self) -> Array:
        c, s = np.cos(np.radians(self.tilt)), np.sin(np.radians(self.tilt))
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])

    def distance(self, p: Array) -> Array:
        q = (p - self.centre) @ self._axes()
        k0 = np.sqrt(((q / self.radii) ** 2).sum(1))
        k1 = np.sqrt(((q / self.radii**2) ** 2).sum(1))
        return np.where(k1 > 1e-9, k0 * (k0 - 1) / np.maximum(k1, 1e-9), -self.radii.min())

    def carry(self, p: Array, other: "Ball") -> Array:
        q = (p - self.centre) @ self._axes() / self.radii
        return other.centre + (q * other.radii) @ other._axes().T

    def blend(self, other: "Ball", t: float) -> "Ball":
        def mix(u, v):
            return u + (v - u) * t

        return Ball(
            self.limb,
            mix(self.centre, other.centre),
            mix(self.radii, other.radii),
            mix(self.tilt, other.tilt),
            mix(self.soft, other.soft),
            _unit(mix(self.flow, other.flow)),
        )


Primitive = Cone | Ball


@dataclass(frozen=True)
class Figure:
    """Primitives joined by a smooth minimum."""

    primitives: tuple[Primitive, ...]

    def distances(self, p: Array) -> Array:
        """Distance to each primitive: (N, primitives)."""
        return np.stack([primitive.distance(p) for primitive in self.primitives], 1)

    def _softness(self, distances: Array) -> Array:
        soft = np.array([primitive.soft for primitive in self.primitives])
        return softmax(-distances / 0.03) @ soft

    def weights(self, p: Array) -> Array:
        """Share of each primitive in the surface at a point: (N, primitives), rows sum to 1."""
        distances = self.distances(p)
        return softmax(-distances / self._softness(distances)[:, None])

    def field(self, p: Array) -> Array:
        """Signed distance (approximately) to the joined surface: (N,)."""
        distances = self.distances(p)
        soft = self._softness(distances)
        low = distances.min(1)
        return low - soft * np.log(np.exp(-(distances - low[:, None]) / soft[:, None]).sum(1))

    def gradient(self, p: Array, step: float = 2e-3) -> Array:
        """(N, 3), by central differences."""
        shifts = np.eye(3) * step
        return np.stack([self.field(p + d) - self.field(p - d) for d in shifts], 1) / (2 * step)

    def normals(self, p: Array) -> Array:
        return _unit(self.gradient(p))

    def flow(self, p: Array, normal: Array) -> Array:
        """Direction in which fur lies, along the surface: (N, 3) unit vectors."""
        directions = np.stack([primitive.flow for primitive in self.primitives])
        along = softmax(-self.distances(p) / 0.05) @ directions
        along -= (along * normal).sum(1, keepdims=True) * normal
        return _unit(along)

    def limb(self, p: Array) -> Array:
        """Name of the limb that owns each point: (N,)."""
        limbs = np.array([primitive.limb for primitive in self.primitives])
        return limbs[self.weights(p).argmax(1)]

    def blend(self, other: "Figure", t: float) -> "Figure":
        pairs = zip(self.primitives, other.primitives, strict=True)
        return Figure(tuple(one.blend(two, t) for one, two in pairs))  # type: ignore[arg-type]

    def carry(self, p: Array, other: "Figure") -> Array:
        """Where points of this figure lie on the other one, before they settle on its surface."""
        weights = self.weights(p)
        moved = np.zeros_like(p)
        for k, (one, two) in enumerate(zip(self.primitives, other.primitives, strict=True)):
            moved += weights[:, k : k + 1] * one.carry(p, two)  # type: ignore[arg-type]
        return moved

    def settle(self, p: Array, rounds: int = 2) -> Array:
        """Move points to the surface along the field's gradient."""
        for _ in range(rounds):
            gradient = self.gradient(p)
            step = self.field(p) / np.maximum((gradient**2).sum(1), 0.2)
            p = p - np.clip(step, -0.05, 0.05)[:, None] * gradient
        return p


def softmax(x: Array) -> Array:
    """Positive rows that sum to 1, from rows (N, K)."""
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _unit(v: Array) -> Array:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def _shortest_turn(u: Array, v: Array) -> Array:
    """Rotation matrix that takes the direction of u to that of v."""
    u, v = _unit(u), _unit(v)
    w, c = np.cross(u, v), float(u @ v)
    k = np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])
    return np.eye(3) + k + k @ k / max(1 + c, 1e-6)
