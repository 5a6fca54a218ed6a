"""How much users may keep: uploads, models and sessions, of each and of all together."""

import json
from collections import Counter
from pathlib import Path

from perturber.config import Settings
from perturber.errors import NotAllowedError

MIB = 2**20


def check_room(data: Path, owner: str, more: int, settings: Settings) -> None:
    """Refuse to keep more where there is no room for it; who has no name runs commands on the server, and knows best.

    Args:
        data: the folder where everything is kept.
        owner: of what is to be kept.
        more: its bytes.

    Raises:
        NotAllowedError: how much is kept already, and how much may be.
    """
    if not owner or not (settings.user_mib or settings.users_mib):
        return
    kept = kept_bytes(data, settings)
    limits = (("You", settings.user_mib, kept[owner]), ("All users together", settings.users_mib, kept.total()))
    for who, limit, there in limits:
        if limit and there + more > limit * MIB:
            raise NotAllowedError(
                f"{who} may keep {limit} MiB of uploads, models and sessions, of which {there / MIB:.1f} are taken; "
                f"this needs {more / MIB:.1f} more. Ask an administrator to remove some."
            )


def kept_bytes(data: Path, settings: Settings) -> Counter[str]:
    """Owner → bytes of their objects, backgrounds, models and sessions; what has no owner is that of ""."""
    from perturber.sessions import kept_by_owner
    from perturber.zoo import own

    kept = kept_by_owner(data)
    for info in [*data.glob("objects/*/pair.json"), *data.glob("backgrounds/*/background.json")]:
        kept[owner_in(info)] += bytes_in(info.parent)
    for name, table in own.tables(settings).items():
        kept[str(table.get("owner", ""))] += size_of(data / "edits" / f"{name}.safetensors")
    return kept


def owner_in(info: Path) -> str:
    """Whom something belongs to, as the file says that describes it; empty where nobody is named."""
    try:
        return str(json.loads(info.read_text(encoding="utf-8")).get("owner", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def bytes_in(folder: Path) -> int:
    """Of the files in a folder."""
    return sum(size_of(path) for path in folder.iterdir())


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
