"""What a page says of the networks that it shows."""

from collections.abc import Sequence

from perturber.finite import sentence
from perturber.service import Column, SlotLook
from perturber.ui.context import service


def network_notices(looks: Sequence[SlotLook | Column]) -> list[str]:
    """What was done to the weights of one's own networks, and which numbers are not finite and left blank."""
    found = []
    for look in looks:
        info = service().model(look.model)
        found += [f"{info.label}: {' '.join(info.notes)}"] if info.notes else []
        found += [sentence(info.label, look.gaps)] if look.gaps else []
    return list(dict.fromkeys(found))
