"""The table of every scene parameter: the one place where a parameter is declared.

The `Scene` value, the controls of the page, the CLI's ``--set``, the URL codec and ``perturber parameters``
are all derived from `PARAMETERS`. Adding a perturbation of the picture is one row in ``table.py`` and one batched
function in `perturber.effects`, with the decorator `perturber.effects.effect`.
"""

from perturber.parameters.kinds import Choice, Code, Neuron, Number, Parameter, Switch, Text, Value
from perturber.parameters.table import GROUPS, PARAMETERS, Group, get

__all__ = [
    "GROUPS",
    "PARAMETERS",
    "Choice",
    "Code",
    "Group",
    "Neuron",
    "Number",
    "Parameter",
    "Switch",
    "Text",
    "Value",
    "get",
]
