"""What differs between the states of two snapshots."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from perturber.errors import InvalidInputError
from perturber.parameters import PARAMETERS, Value
from perturber.sessions.store import SnapshotSummary


@dataclass(frozen=True)
class Difference:
    """A value that differs.

    Attributes:
        key: in a link.
        label: of the parameter; the key where it is none.
        unit: of the values, or empty.
        first, second: the values; None where one of the links does not say, and there is no default.
    """

    key: str
    label: str
    unit: str
    first: Value | None
    second: Value | None


@dataclass(frozen=True)
class Differences:
    """What differs between two states.

    Attributes:
        parameters: of the scene, in the order of the table.
        others: models, layers, neurons and options of the pages, by key.
    """

    parameters: tuple[Difference, ...]
    others: tuple[Difference, ...]


def differences(first: SnapshotSummary | str, second: SnapshotSummary | str) -> Differences:
    """Compare two states.

    Args:
        first, second: snapshots, or the queries of links.
    """
    one, other = (_values(state if isinstance(state, str) else state.query) for state in (first, second))
    both = ((key, _parameter(key, one), _parameter(key, other)) for key in PARAMETERS)
    parameters = (Difference(key, PARAMETERS[key].label, PARAMETERS[key].unit, a, b) for key, a, b in both if a != b)
    rest = sorted(key for key in one.keys() | other.keys() if key not in PARAMETERS and one.get(key) != other.get(key))
    return Differences(tuple(parameters), tuple(Difference(key, key, "", one.get(key), other.get(key)) for key in rest))


def _values(query: str) -> dict[str, str]:
    return dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))


def _parameter(key: str, values: Mapping[str, str]) -> Value:
    """A parameter's value as a page that opens the link takes it; where it is wrong here, what the link says."""
    parameter = PARAMETERS[key]
    if key not in values:
        return parameter.default
    try:
        return parameter.parse(values[key])
    except InvalidInputError:
        return values[key]  # an object that is gone is still another one
