"""Adversarial attacks as steps on a state, and what they show of a network. Knows nothing of Dash or the service."""

from perturber.attack.attack import Attack
from perturber.attack.autoattack import AutoAttackCurve, check_autoattack
from perturber.attack.curves import CurveResult, RobustnessCurve
from perturber.attack.layers import relative_change
from perturber.attack.methods import METHODS, AttackMethod
from perturber.attack.norms import NORMS, Norm, NormName
from perturber.attack.spectrum import radial_spectrum, share_below
from perturber.attack.steps import State, margins, run, start, step

__all__ = [
    "METHODS",
    "NORMS",
    "Attack",
    "AttackMethod",
    "AutoAttackCurve",
    "CurveResult",
    "Norm",
    "NormName",
    "RobustnessCurve",
    "State",
    "check_autoattack",
    "margins",
    "radial_spectrum",
    "relative_change",
    "run",
    "share_below",
    "start",
    "step",
]
