"""What a page says of numbers that are not finite; its figures leave them blank."""

from collections.abc import Sequence

from perturber.finite import sentence
from perturber.service import Column, SlotLook
from perturber.ui.context import service


def gap_notices(looks: Sequence[SlotLook | Column]) -> list[str]:
    """A sentence about each network that gives such numbers."""
    return list(dict.fromkeys(sentence(service().model(look.model).label, look.gaps) for look in looks if look.gaps))
