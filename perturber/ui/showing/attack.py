"""What Explore shows of an attack under way: how far it is, what it does to every model, what it looks like."""

import base64
from collections.abc import Sequence
from math import log10
from typing import Any

import numpy as np

from perturber.figures import amplified, data_uri, signs
from perturber.finite import unknown_steps, written
from perturber.service import LOW_FREQUENCY, AttackLook, AttackOutcome
from perturber.ui.callbacks.messages import Props

SIDE = 72
"""Of the spectrum's picture, in pixels."""


def attack_props(page: str, look: AttackLook | None, names: Sequence[str]) -> list[Props]:
    """What the attack's panel shows.

    Args:
        look: None where there is no attack.
        names: of the slots with predictions, in their order.
    """
    progress = "" if look is None else _progress(look)
    outcomes = [] if look is None else [_outcome(*pair) for pair in zip(names, look.outcomes, strict=True)]
    if look is not None and look.linf > 0:
        outcomes.append(f"{look.low_share:.0%} of the perturbation’s energy is low-frequency")
    pictures: list[Props] = [{"id": f"{page}-{name}", "props": props} for name, props in _pictures(look).items()]
    return [
        {"id": f"{page}-attack-progress", "props": {"children": progress}},
        {"id": f"{page}-outcome", "props": {"children": "\n".join(outcomes)}},
        *pictures,
    ]


def attack_notices(look: AttackLook | None) -> list[str]:
    """A sentence about steps whose gradient was not finite."""
    return [unknown_steps(look.unknown, look.progress.done)] if look is not None and look.unknown else []


def _progress(look: AttackLook) -> str:
    done, steps = look.progress.done, look.progress.steps
    of = "" if look.progress.finished else f" of {steps}"
    return f"step {done}{of} · ‖δ‖₂ {look.l2:.3g} · ‖δ‖∞ {look.linf:.3g} ({look.linf * 255:.3g}/255)"


def _outcome(name: str, outcome: AttackOutcome) -> str:
    fooled = outcome.top.index != outcome.top_before.index
    before, after = (written(score.probability, ".1%") for score in (outcome.before, outcome.now))
    fall = f"{outcome.before.name} {before} → {after}"
    now = f"{outcome.top.name} {written(outcome.top.probability, '.1%')}"
    return f"{'✗' if fooled else '✓'} {name}: {fall}; top class {'now' if fooled else 'still'} {now}"


def _pictures(look: AttackLook | None) -> dict[str, dict[str, Any]]:
    nothing: dict[str, Any] = {"hidden": True}
    if look is None or look.perturbation is None or look.linf == 0:
        return dict.fromkeys(("amplified", "sign", "spectrum"), nothing)
    spectrum = nothing
    if look.spectrum is not None:
        share = f"{look.low_share:.1%} of the energy lies below {LOW_FREQUENCY} cycles a pixel"
        title = f"Radial power spectrum, 0 to 0.5 cycles a pixel, logarithmic: {share}"
        spectrum = _picture(spectrum_picture(look.spectrum), title)
    return {
        "amplified": _picture(data_uri(amplified(look.perturbation)), "Perturbation, amplified"),
        "sign": _picture(data_uri(signs(look.perturbation)), "Sign of the perturbation"),
        "spectrum": spectrum,
    }


def _picture(source: str, title: str) -> dict[str, Any]:
    return {"src": source, "title": title, "alt": title, "hidden": False}


def spectrum_picture(energies: np.ndarray) -> str:
    """Energy (R,) by radial frequency from 0 to 0.5 cycles a pixel, logarithmic, as the ``data:`` address of an SVG."""
    powers = [log10(max(float(energy), 1e-12)) for energy in energies]
    low, high = min(powers[1:]), max(powers)
    span = (high - low) or 1.0
    places = " ".join(
        f"{n / (len(powers) - 1) * SIDE:.1f},{SIDE - 2 - (max(power, low) - low) / span * (SIDE - 6):.1f}"
        for n, power in enumerate(powers)
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" width="{SIDE}" height="{SIDE}">'
        f'<rect width="{SIDE}" height="{SIDE}" fill="#fff"/>'
        f'<rect width="{LOW_FREQUENCY / 0.5 * SIDE:.1f}" height="{SIDE}" fill="#e3eaf3"/>'
        f'<polyline points="{places}" fill="none" stroke="#b02a37" stroke-width="1.2"/></svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
