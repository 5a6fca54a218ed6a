"""Settings, each from an environment variable ``PERTURBER_<NAME>``; command-line options override them."""

import os
import sys
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from perturber.errors import InvalidInputError
from perturber.users import Role


def _environment(name: str, default: str) -> str:
    return os.environ.get(f"PERTURBER_{name}", default)


@dataclass(frozen=True, kw_only=True)
class Oidc:
    """An OpenID Connect provider by which users log in.

    Attributes:
        issuer: its address.
        client, secret: as this server is registered there.
        name_claim: of its claims the one with a user's name; no two users may have the same.
        role_claim: the one with their role, or a list of such; "" for none.
        role: of those whose claims name none.
    """

    issuer: str
    client: str
    secret: str = field(repr=False)
    name_claim: str
    role_claim: str
    role: Role

    @classmethod
    def from_environment(cls) -> "Oidc | None":
        """The one that ``PERTURBER_OIDC_…`` describe; None where they name no issuer.

        Raises:
            InvalidInputError: a setting cannot have this value.
        """
        if not (issuer := _environment("OIDC_ISSUER", "")):
            return None
        role = _environment("OIDC_ROLE", Role.VIEWER)
        if role not in list(Role):
            raise InvalidInputError(f"PERTURBER_OIDC_ROLE cannot be {role!r}. Allowed: {', '.join(Role)}.")
        return cls(
            issuer=issuer,
            client=_environment("OIDC_CLIENT", ""),
            secret=_environment("OIDC_SECRET", ""),
            name_claim=_environment("OIDC_NAME_CLAIM", "preferred_username"),
            role_claim=_environment("OIDC_ROLE_CLAIM", ""),
            role=Role(role),
        )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How this process runs.

    Attributes:
        device: torch device ("cuda", "cuda:1", "cpu") or "auto": CUDA where there is one, else the CPU.
        host: address to serve on; the default can be reached from this machine only.
        port: TCP port to serve on.
        hosts: names under which browsers may reach it besides ``localhost``, the machine's own and any address in
            numbers, such as that of a proxy.
        auth: whether whoever comes from elsewhere must log in (see `needs_login`).
        proxy: address of a proxy in front, which then says where a request comes from and whether by TLS; "" for none.
        oidc: provider by which users log in beside accounts, or None.
        threads: CPU threads of the networks and the renderer; 0 leaves torch's choice.
        models: folder that holds the catalogue and bundled weights.
        model_memory_mib: memory for resident networks' weights before the least recently used one leaves.
        data: folder for what users bring along (objects, backgrounds) and what is computed once for all.
        weights: folder for pulled weights, or None for ``weights`` under `data` (see `weights_folder`).
        examples: folder with a picture of each class (``<wnid>_*.JPEG`` or ``<wnid>/``), or None.
        collections: folder whose subfolders are offered as pictures to measure networks by, or None.
        visualisations_mib: room for feature visualisations under `data` before the least recently used ones leave.
        cache: where answers are kept that are asked for again: ``memory``, ``files`` (under `data`), or the address of
            a Redis server (``redis://…``).
        log: how the server's log is written: ``text`` or ``json``.
        look_seconds: after which a look or comparison that has no answer yet is given up.
        user_mib: of uploads, models and sessions that one user may keep; 0 for any number.
        users_mib: of those of all users together; 0 for any number.
        max_upload_mib: size of one upload, in MiB; what a zip file unpacks to counts too.
        max_triangles: triangles of one uploaded object, counted before anything is built from them.
        max_megapixels: size of one picture, in millions of pixels, checked before it is decoded.
    """

    device: str = field(default_factory=lambda: _environment("DEVICE", "auto"))
    host: str = field(default_factory=lambda: _environment("HOST", "127.0.0.1"))
    port: int = field(default_factory=lambda: _integer("PORT", 8050))
    hosts: frozenset[str] = field(
        default_factory=lambda: frozenset(_environment("HOSTS", "").lower().split(",")) - {""}
    )
    auth: bool = field(default_factory=lambda: _integer("AUTH", 1) > 0)
    proxy: str = field(default_factory=lambda: _environment("PROXY", ""))
    oidc: Oidc | None = field(default_factory=Oidc.from_environment)
    threads: int = field(default_factory=lambda: _integer("THREADS", 0))
    models: Path = field(
        default_factory=lambda: Path(_environment("MODELS", str(Path(__file__).parent.parent / "models")))
    )
    model_memory_mib: int = field(default_factory=lambda: _integer("MODEL_MEMORY_MIB", 2048))
    data: Path = field(default_factory=lambda: Path(_environment("DATA", "") or _user_data_folder()).expanduser())
    weights: Path | None = field(
        default_factory=lambda: Path(text).expanduser() if (text := _environment("WEIGHTS", "")) else None
    )
    examples: Path | None = field(
        default_factory=lambda: Path(text).expanduser() if (text := _environment("EXAMPLES", "")) else None
    )
    collections: Path | None = field(
        default_factory=lambda: Path(text).expanduser() if (text := _environment("COLLECTIONS", "")) else None
    )
    visualisations_mib: int = field(default_factory=lambda: _integer("VISUALISATIONS_MIB", 1024))
    cache: str = field(default_factory=lambda: _environment("CACHE", "memory"))
    log: str = field(default_factory=lambda: _environment("LOG", "text"))
    look_seconds: int = field(default_factory=lambda: _integer("LOOK_SECONDS", 120))
    user_mib: int = field(default_factory=lambda: _integer("USER_MIB", 4096))
    users_mib: int = field(default_factory=lambda: _integer("USERS_MIB", 32768))
    max_upload_mib: int = field(default_factory=lambda: _integer("MAX_UPLOAD_MIB", 30))
    max_triangles: int = field(default_factory=lambda: _integer("MAX_TRIANGLES", 500_000))
    max_megapixels: int = field(default_factory=lambda: _integer("MAX_MEGAPIXELS", 40))

    @property
    def is_local(self) -> bool:
        """Whether nobody can reach it but from this machine."""
        if self.hosts or self.proxy:  # a proxy brings others here
            return False
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def needs_login(self) -> bool:
        """Whether users must log in."""
        return self.auth and not self.is_local

    @property
    def weights_folder(self) -> Path:
        """Where pulled weights are kept."""
        return self.weights or self.data / "weights"


def _integer(name: str, default: int) -> int:
    text = _environment(name, str(default))
    if not text.isdecimal():
        raise InvalidInputError(f"PERTURBER_{name} cannot be {text!r}. Allowed: a whole number from 0.")
    return int(text)


def _user_data_folder() -> Path:
    """Where programs of this platform keep what belongs to a user."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base) / "perturber"
