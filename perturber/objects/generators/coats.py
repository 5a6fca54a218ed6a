"""The coats of the dog and the cat: colour by place, as a breeder would describe it."""

import numpy as np

from perturber.objects.generators.animals import HOUND
from perturber.objects.generators.animals import TABBY as CAT
from perturber.objects.generators.fur import Skin
from perturber.objects.generators.noise import mix, smoothstep

Array = np.ndarray

BLACK = np.array([0.085, 0.070, 0.062])
TAN = np.array([0.66, 0.40, 0.19])
DARK_TAN = np.array([0.46, 0.25, 0.11])
WHITE = np.array([0.95, 0.92, 0.87])
NOSE = np.array([0.055, 0.050, 0.052])
PINK = np.array([0.70, 0.38, 0.34])
TABBY = np.array([0.60, 0.49, 0.36])
TABBY_WARM = np.array([0.66, 0.48, 0.30])
STRIPE = np.array([0.13, 0.10, 0.075])
CREAM = np.array([0.93, 0.88, 0.80])


def hound(skin: Skin) -> Array:
    """Tricolour hound: black saddle, tan head and thighs, white legs, chest, muzzle, blaze and tail tip."""
    p = HOUND.as_measured(skin.p)
    x, y, z = p.T
    wobble = 0.07 * (skin.noise.fractal(skin.p, 5.0, 3) - 0.5)
    colour = np.tile(TAN, (len(x), 1))
    back = smoothstep(0.70, 0.78, y + wobble + 0.06 * z) * smoothstep(-0.66, -0.56, z) * smoothstep(0.40, 0.30, z)
    torso = skin.share("torso", "front", "hind")
    colour = mix(colour, BLACK, back * smoothstep(0.2, 0.5, torso))
    white = smoothstep(0.575, 0.525, y + wobble - 0.10 * smoothstep(-0.2, -0.4, z))
    white = np.maximum(white, smoothstep(0.36, 0.44, z + wobble) * smoothstep(1.06, 0.98, y + wobble))
    colour = mix(colour, WHITE, white)
    head = skin.share("head", "muzzle", "jaw", "nose")
    crown = smoothstep(1.28, 1.46, y)
    colour = mix(colour, mix(np.tile(TAN, (len(x), 1)), DARK_TAN, crown), smoothstep(0.3, 0.7, head))
    x, y, z = HOUND.head_as_measured(skin.p).T
    stop = HOUND.joints["stop"]
    snout = smoothstep(stop[2] + 0.015, stop[2] + 0.06, z + 0.35 * wobble - 0.5 * np.abs(x) + 0.35 * (1.2 - y))
    blaze = smoothstep(0.030, 0.016, np.abs(x) + 0.3 * wobble + 0.05 * (y - 1.28)) * smoothstep(0.60, 0.68, z)
    colour = mix(colour, WHITE, head * np.maximum(snout, blaze * (y > 1.2)))
    colour = mix(colour, WHITE, skin.share("jaw") * smoothstep(0.70, 0.74, z))
    colour = mix(colour, NOSE, 0.85 * head * _flews(x, y, z))
    tail = skin.share("tail")
    along = p @ np.array([0, 0.86, -0.5])
    colour = mix(colour, BLACK, tail * smoothstep(1.12, 1.18, along + wobble))
    colour = mix(colour, WHITE, tail * smoothstep(1.40, 1.46, along + wobble))
    return mix(colour, NOSE, smoothstep(0.35, 0.6, skin.share("nose")))


def _flews(x: Array, y: Array, z: Array) -> Array:
    """The line from the nose down to the mouth, the edge of the hanging lips, and the roots of whiskers."""
    a = np.abs(x)
    cleft = smoothstep(0.0045, 0.002, a) * smoothstep(1.150, 1.158, y) * smoothstep(1.235, 1.225, y)
    edge = 1.153 - 0.030 * np.sin(np.clip(a / 0.075, 0, 1) * np.pi / 2)
    lips = smoothstep(0.0065, 0.003, np.abs(y - edge)) * smoothstep(0.078, 0.066, a)
    roots = np.hypot((z * 0.8 + a - 0.004) % 0.022 - 0.011, (y - 1.160) % 0.017 - 0.0085)
    spots = smoothstep(0.0034, 0.0016, roots) * (np.abs(y - 1.185) < 0.026) * smoothstep(0.02, 0.035, a)
    return np.maximum(np.maximum(cleft, lips), 0.6 * spots * (z < 0.985)) * smoothstep(0.915, 0.935, z + 0.15 * a)


def tabby(skin: Skin) -> Array:
    """Mackerel tabby: dark stripes on grey-brown, an M on the forehead, cream chin and chest."""
    p = CAT.as_measured(skin.p)
    x, y, z = p.T
    noise = skin.noise
    bend = noise.fractal(skin.p, 3.0, 2) - 0.5
    colour = mix(np.tile(TABBY, (len(x), 1)), TABBY_WARM, smoothstep(0.35, 0.65, noise.fractal(skin.p + 5, 4.0, 2)))
    head = smoothstep(0.3, 0.7, skin.share("head", "muzzle", "jaw", "nose"))
    trunk = skin.share("torso", "neck") * (1 - head)
    limbs = skin.share("front", "hind") * (1 - head)
    ribs = _bars(z * 11.5 + 2.2 * bend + 1.6 * (y - 0.6), 0.44)
    necklaces = _bars(y * 11.0 + 1.5 * bend - 1.2 * np.abs(x), 0.40)
    facing = smoothstep(0.45, 0.75, skin.normal[:, 2])
    ribs = ribs * (1 - facing) + necklaces * facing
    ribs *= smoothstep(0.16, 0.36, noise.fractal(skin.p + 3, 6.0, 2) + 0.6 * (y - 0.5))
    spine = smoothstep(0.055, 0.025, np.abs(x)) * smoothstep(0.70, 0.74, y)
    dark = trunk * np.maximum(0.92 * ribs, 0.9 * spine)
    rings = _bars(y * 13.0 + 1.5 * bend + 0.5, 0.46) * smoothstep(0.08, 0.16, y)
    dark = np.maximum(dark, 0.80 * limbs * np.maximum(rings * (y < 0.55), ribs * (y >= 0.45)))
    tail = skin.share("tail")
    along = p @ np.array([0, 0.9, -0.35])
    dark = np.maximum(dark, tail * np.maximum(0.9 * _bars(along * 12.5, 0.5), smoothstep(1.36, 1.42, along)))
    face = CAT.head_as_measured(skin.p)
    dark = np.maximum(dark, head * _face_stripes(*face.T))
    pale = smoothstep(0.49, 0.44, y + 0.1 * bend) * trunk
    pale = np.maximum(pale, smoothstep(0.05, 0.02, y - 0.06))
    bib = smoothstep(0.085, 0.050, np.abs(x) + 0.08 * bend) * smoothstep(0.40, 0.46, z) * smoothstep(0.88, 0.80, y)
    pale = np.maximum(pale, 0.40 * bib * (1 - head))
    colour = mix(mix(colour, STRIPE, dark), CREAM, pale)
    x, y, z = face.T
    muzzle = np.exp(-(((y - 0.905) / 0.042) ** 2) - ((np.abs(x) - 0.02) / 0.06) ** 2) * smoothstep(0.70, 0.75, z)
    chin = skin.share("jaw") * smoothstep(0.66, 0.72, z)
    throat = 0.8 * smoothstep(0.900, 0.882, y) * smoothstep(0.60, 0.66, z) * smoothstep(0.10, 0.065, np.abs(x))
    colour = mix(colour, CREAM, head * np.clip(1.25 * np.maximum.reduce([muzzle, chin, throat]), 0, 1))
    ex, ey, ez, r = CAT.eye
    ring = np.hypot((np.abs(x) - ex) * 0.9, y - ey) / r
    colour = mix(colour, CREAM, 0.6 * head * smoothstep(1.9, 1.5, ring) * (z > ez - 2 * r))
    cleft = smoothstep(0.006, 0.003, np.abs(x)) * smoothstep(0.935, 0.925, y) * smoothstep(0.885, 0.893, y)
    smile = 0.889 - 0.013 * np.sin(np.clip(np.abs(x) / 0.046, 0, 1) * np.pi)
    lips = smoothstep(0.0042, 0.0018, np.abs(y - smile)) * smoothstep(0.050, 0.043, np.abs(x))
    colour = mix(colour, STRIPE, 0.75 * head * np.maximum(cleft * (z > 0.76), lips * (z > 0.735)))
    whiskers = np.hypot((np.abs(x) - 0.038) % 0.016 - 0.008, (y - 0.90) % 0.013 - 0.0065)
    colour = mix(colour, STRIPE, 0.5 * head * (muzzle > 0.55) * smoothstep(0.004, 0.002, whiskers))
    return mix(colour, PINK, smoothstep(0.35, 0.6, skin.share("nose")))


def _bars(phase: Array, share: float) -> Array:
    """Soft-edged bars, one for each whole phase, of this share of the period."""
    wave = np.abs((phase % 1) - 0.5) * 2
    return smoothstep(share + 0.14, share - 0.14, wave)


def _face_stripes(x: Array, y: Array, z: Array) -> Array:
    """The M on the forehead, the cap's stripes, and two lines from the eye over the cheek."""
    a = np.abs(x)
    ex, ey, _, r = CAT.eye
    brow = np.maximum.reduce(
        [
            smoothstep(0.011, 0.005, np.abs(a - 0.020 - 0.25 * (y - 1.02))),
            smoothstep(0.012, 0.005, np.abs(a - 0.062 - 0.35 * (y - 1.02))),
            smoothstep(0.012, 0.005, np.abs(a - 0.108 - 0.25 * (y - 1.02))),
        ]
    ) * smoothstep(1.015, 1.04, y)
    line = ey - 0.010 - 0.55 * (a - ex - r)
    cheek = smoothstep(0.013, 0.006, np.abs(y - line)) * smoothstep(ex + 0.7 * r, ex + 1.1 * r, a)
    lower = smoothstep(0.013, 0.006, np.abs(y - line + 0.050)) * smoothstep(ex + 0.2 * r, ex + 0.7 * r, a)
    return 0.9 * np.maximum.reduce([brow, cheek * (z > 0.55), lower * (z > 0.55)])


def hound_ear(outer: Array, p: Array) -> Array:
    """Dark tan outside, lighter inside."""
    return mix(np.tile(TAN * [1.0, 0.85, 0.75], (len(p), 1)), DARK_TAN, smoothstep(-0.2, 0.4, outer))


def tabby_ear(outer: Array, p: Array) -> Array:
    """Striped outside with a dark tip, pink inside with a pale rim."""
    p = CAT.head_as_measured(p)
    outside = mix(np.tile(TABBY, (len(p), 1)), STRIPE, smoothstep(1.13, 1.215, p[:, 1]))
    middle = np.exp(-(((np.abs(p[:, 0]) - 0.115 - 0.2 * (p[:, 1] - 1.03)) / 0.04) ** 2))
    inside = mix(
        np.tile(CREAM * 0.82, (len(p), 1)), PINK * [0.95, 0.85, 0.8], 0.6 * middle * smoothstep(1.21, 1.10, p[:, 1])
    )
    shade = smoothstep(1.16, 1.04, p[:, 1])  # deep inside the ear it is dark
    inside = inside * (1 - 0.5 * shade * middle)[:, None]
    return mix(inside, outside, smoothstep(-0.1, 0.1, outer))
