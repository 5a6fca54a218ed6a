"""``perturber bench kill``: a process that stores is killed again and again; what it has acknowledged must be there.

Each kind of thing is stored by the code that a server stores it with, in a loop. The process is killed at a random
moment. Then the data folder is taken over as by a server that starts, and everything in it is read.
"""

import contextlib
import hashlib
import io
import multiprocessing
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from perturber import zoo
from perturber.config import Settings
from perturber.disk import LEFT, holding
from perturber.errors import InvalidInputError
from perturber.examples import TOP, ExampleIndex, Tops, index_path
from perturber.featurevis import Store as Pictures
from perturber.objects import Store
from perturber.own_groups import OwnGroups
from perturber.render import Renderer
from perturber.service.networks import Networks
from perturber.service.resources import Resources
from perturber.service.works.saving import SaveRequest, SaveWork
from perturber.sessions import NewSnapshot, Sessions
from perturber.zoo import own
from perturber.zoo.sources import weights_file
from perturber.zoo.weights import verify

MODEL = "efficientnet_lite0"
LONGEST_SECONDS = 1.5
"""From the first turn through all kinds to the kill, at most; a turn takes about a third of it."""

PATIENCE_SECONDS = 120.0
"""For an acknowledgement: the process loads a network before the first."""

INDEX = "0" * 64
CHANNELS = 512


class Kind:
    """One kind of thing that is stored."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.read: set[str] = set()

    def prepare(self) -> None:
        """Do once what takes long."""

    def store(self, turn: int) -> str:
        """Store the thing of this turn; its name."""
        raise NotImplementedError

    def check(self, acknowledged: list[tuple[int, str]]) -> None:
        """Read everything of this kind that is there.

        Raises:
            LostError: something that was acknowledged is not there, or is another.
            Exception: something cannot be read.
        """
        raise NotImplementedError


class LostError(Exception):
    """Something that was acknowledged is not there."""


class Visualisation(Kind):
    """Finished pictures of a neuron."""

    def store(self, turn: int) -> str:
        """Noise of this turn's own."""
        key = hashlib.sha256(str(turn).encode()).hexdigest()
        self._store().put(key, self._noise(turn))
        return key

    def check(self, acknowledged: list[tuple[int, str]]) -> None:
        """Each is there and the same; each file is read."""
        store = self._store()
        for path in store.folder.glob("*.png"):
            if store.get(path.stem) is None:
                raise ValueError(path.name)
        for turn, key in acknowledged:
            _expect(np.array_equal(_there(store.get(key), key), self._noise(turn)), key)

    def _store(self) -> Pictures:
        return Pictures(self.settings.data / "visualisations", 4096)

    @staticmethod
    def _noise(turn: int) -> np.ndarray:
        return np.random.default_rng(turn).integers(0, 256, (1, 64, 64, 3), np.uint8)


class Object(Kind):
    """A mesh that somebody uploads."""

    def store(self, turn: int) -> str:
        """A pyramid of this turn's height."""
        corners = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1 + turn)]
        text = "".join(f"v {x} {y} {z}\n" for x, y, z in corners) + "f 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"
        return Store(self.settings.data).add_object({"a.obj": text.encode()}, label=f"Object {turn}")

    def check(self, acknowledged: list[tuple[int, str]]) -> None:
        """Each is in the list under its label; each in the list is read."""
        _check_uploads(Store(self.settings.data), "object", acknowledged, self.read)


class Background(Kind):
    """A picture that somebody uploads."""

    def store(self, turn: int) -> str:
        """One colour, and this turn's number behind the picture."""
        file = io.BytesIO()
        Image.new("RGB", (16, 16), (turn % 256, 0, 0)).save(file, format="PNG")
        return Store(self.settings.data).add_background(file.getvalue() + b"%d" % turn, label=f"Background {turn}")

    def check(self, acknowledged: list[tuple[int, str]]) -> None:
        """As of objects."""
        _check_uploads(Store(self.settings.data), "background", acknowledged, self.read)


class EditedModel(Kind):
    """A network with edited weights, kept as a model of one's own; the last few are left on the disk."""

    EDIT = f"prune({MODEL};blocks.3=0.1-1)"
    LEFT = 2

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        device = torch.device("cpu")
        networks, renderer = Networks(settings, device), Renderer(device)
        self.resources = Resources(settings, device, networks, pictures=_no_pictures, renderer=renderer)

    def prepare(self) -> None:
        """Load the network."""
        self.resources.networks.get(self.EDIT)

    def store(self, turn: int) -> str:
        """One from which filters are pruned."""
        name = f"edited-{turn}"
        SaveWork(self.resources, SaveRequest(edit=self.EDIT, name=name)).step()
        return name

    def check(self, acknowledged: list[tuple[int, str]]) -> None:
        """Each is in the catalogue; each there has the weights that it names."""
        entries = {name: entry for name, entry in zoo.entries(self.settings).items() if entry.own}
        for entry in entries.values():
            verify(weights_file(entry, self.settings), entry.weights.sha256)
        for _, name in acknowledged:
            _expect(name in entries, name)
        del acknowledged[: -self.LEFT]
        stay = {name for _, name in acknowledged}
        for name in entries.keys() - stay:
            own.remove(name, self.settings)
        for path in (self.settings.data / "edits").glob("*.safetensors"):
            if path.stem not in stay:  # also what was killed before it came into the catalogue
                path.unlink()


class Index(Kind):
    """The example pictures of a network; each replaces the one before."""

    def store(self, turn: int) -> str:
        """One whose values are this turn's number."""
        shape = (CHANNELS, TOP)
        tops = Tops(np.full(shape, turn, np.float32), *(np.zeros(shape, t) for t in (np.int32, np.int16, np.int16)))
        index = ExampleIndex(
            model=MODEL,
            fingerprint=INDEX,
            folder=Path("/"),
            pictures=("a.png",),
            unreadable=0,
            input_size=224,
            resize=256,
            interpolation="bicubic",
            layers={"layer": tops},
        )
        index.save(index_path(self.settings.data, INDEX))
        return str(turn)

    def check(self, acknowledged: list[tuple[int, str]]) -> None:
        """What is there is the last one that was acknowledged, or one that came after it."""
        if acknowledged:
            values = ExampleIndex.load(index_path(self.settings.data, INDEX)).layers["layer"].values
            _expect(values.min() == values.max() >= acknowledged[-1][0], acknowledged[-1][1])


class Group(Kind):
    """Neurons under a name; there are few names, so that a newer one replaces an older one."""

    NAMES = 100

    def store(self, turn: int) -> str:
        """One that holds this turn's number."""
        name = f"group {turn % self.NAMES}"
        OwnGroups(self.settings.data).keep(MODEL, "layer", name, [turn])
        return name

    def check(self, acknowledged: list[tuple[int, str]]) -> None:
        """Each name holds the newest number that was acknowledged, or a later one."""
        found = OwnGroups(self.settings.data).of(MODEL, "layer")
        for turn, name in acknowledged:
            _expect(found.get(name, [-1])[0] >= turn, name)


class SessionSnapshot(Kind):
    """A snapshot in a session; each turn adds one and copies the session, and the copy of the turn before goes."""

    NAME = "killed"
    FULL = 50
    """Snapshots, after which another session begins."""

    def store(self, turn: int) -> str:
        """One whose picture is this turn's noise."""
        sessions = Sessions(self.settings.data)
        listed = sessions.all(limit=200).sessions
        mine = [one.id for one in listed if one.name == self.NAME and one.snapshots < self.FULL]
        session = mine[0] if mine else sessions.create(self.NAME)
        new = NewSnapshot.of(page="/explore", query=f"turn={turn}", picture=self._noise(turn), comment=str(turn))
        made = sessions.add(session, new)
        for one in listed:
            if one.name != self.NAME:
                sessions.delete(one.id, for_good=True)
        sessions.duplicate(session, "copy")
        return str(made)

    def check(self, acknowledged: list[tuple[int, str]]) -> None:
        """Each is there and the same; each that is listed is whole."""
        sessions = Sessions(self.settings.data)
        if faults := sessions.database.faults():
            raise ValueError("; ".join(faults))
        there = {}
        for session in sessions.all(limit=200).sessions:
            for one in sessions.open(session.id).strip:
                there[str(one.id)] = int(one.comment)
                if str(one.id) not in self.read:
                    found = sessions.snapshot(one.id)
                    if not np.array_equal(found.pixels(), self._noise(int(one.comment))):
                        raise ValueError(f"snapshot {one.id}")
        for turn, name in acknowledged:
            _expect(there.get(name) == turn, name)
        self.read |= {name for _, name in acknowledged}

    @staticmethod
    def _noise(turn: int) -> np.ndarray:
        return np.random.default_rng(turn).integers(0, 256, (32, 32, 3), np.uint8)


KINDS: dict[str, type[Kind]] = {
    "visualisation": Visualisation,
    "object": Object,
    "background": Background,
    "edited model": EditedModel,
    "example index": Index,
    "own group": Group,
    "session": SessionSnapshot,
}


@dataclass
class Count:
    """What became of one kind.

    Attributes:
        acknowledged: things of which the process has said that they are stored.
        lost: kills after which one of them was not there, or another.
        unreadable: kills after which something was there that could not be read.
    """

    acknowledged: int = 0
    lost: int = 0
    unreadable: int = 0


@dataclass
class Outcome:
    """Of all kills.

    Attributes:
        kinds: name → what became of it.
        temporary: files and folders that were still being written when the process was killed.
        left: those among them that were there after a start.
        errors: what was lost or unreadable, in words.
    """

    kinds: dict[str, Count] = field(default_factory=lambda: {name: Count() for name in KINDS})
    temporary: int = 0
    left: int = 0
    errors: list[str] = field(default_factory=list)


def kill(settings: Settings, *, kills: int, seed: int = 0) -> Outcome:
    """Store and kill in turn.

    Args:
        settings: whose data folder is used, for nothing else.
        kills: how often.
        seed: of the moments.

    Raises:
        InvalidInputError: nothing is stored at all.
    """
    moments, outcome = random.Random(seed), Outcome()
    known: dict[str, list[tuple[int, str]]] = {name: [] for name in KINDS}
    kinds = {name: make(settings) for name, make in KINDS.items()}
    start = 0
    for _ in range(kills):
        for name, turn, thing in _stored_until_killed(settings, start, moments.uniform(0, LONGEST_SECONDS)):
            known[name].append((turn, thing))
            outcome.kinds[name].acknowledged += 1
            start = max(start, turn)
        start += 2  # what was not acknowledged may be there
        outcome.temporary += len(_temporary(settings.data))
        with holding(settings.data):
            outcome.left += len(_temporary(settings.data))
        for name, kind in kinds.items():
            try:
                kind.check(known[name])
            except LostError as error:
                outcome.kinds[name].lost += 1
                outcome.errors.append(f"{name}: {error} is lost")
            except Exception as error:  # whatever a broken file raises
                outcome.kinds[name].unreadable += 1
                outcome.errors.append(f"{name}: {error}")
    return outcome


def run(settings: Settings, *, kills: int, seed: int) -> None:
    """Print what became of each kind.

    Raises:
        InvalidInputError: something was lost, is half there, or was left.
    """
    outcome = kill(settings, kills=kills, seed=seed)
    print(f"\n{kills} kills\n{'':16}{'acknowledged':>14}{'lost':>8}{'unreadable':>12}")
    for name, count in outcome.kinds.items():
        print(f"{name:16}{count.acknowledged:14}{count.lost:8}{count.unreadable:12}")
    print(f"\ntemporary files and folders: {outcome.temporary} left by kills, {outcome.left} after a start")
    if outcome.errors or outcome.left:
        raise InvalidInputError(" ".join(outcome.errors) or "Temporary files were not swept.")


def _stored_until_killed(settings: Settings, start: int, seconds: float) -> Iterator[tuple[str, int, str]]:
    """What a process acknowledges before it is killed, so many seconds after the first time.

    Raises:
        InvalidInputError: nothing.
    """
    if sys.platform == "win32":
        context = multiprocessing.get_context("spawn")
    else:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["__main__", __name__, "perturber.objects.reading.shape"])
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_store_for_ever, args=(settings, start, there), daemon=True)
    process.start()
    there.close()
    try:
        for _ in KINDS:
            if not here.poll(PATIENCE_SECONDS):
                raise InvalidInputError("The process that stores does not get on.")
            yield here.recv()
        time.sleep(seconds)
    finally:
        process.kill()
        process.join()
    if process.exitcode != -signal.SIGKILL and process.exitcode != 1:  # 1 where there are no signals
        raise InvalidInputError(f"The process that stores has ended by itself ({process.exitcode}).")
    with contextlib.suppress(EOFError):
        while True:
            yield here.recv()


def _store_for_ever(settings: Settings, start: int, out: Connection) -> None:
    torch.set_num_threads(1)
    kinds = {name: make(settings) for name, make in KINDS.items()}
    for kind in kinds.values():
        kind.prepare()
    for turn in range(start, 2**31):
        for name, kind in kinds.items():
            out.send((name, turn, kind.store(turn)))


def _temporary(data: Path) -> list[Path]:
    found = [path for folder in ("", "*/") for pattern in LEFT for path in data.glob(folder + pattern)]
    return [*found, *(data / "incoming").glob("*")]


def _check_uploads(store: Store, kind: str, acknowledged: list[tuple[int, str]], known: set[str]) -> None:
    """Read what is not known to be whole: it stays what it is, and this takes time."""
    names = store.names(kind)  # type: ignore[arg-type]
    read: Callable[[str], object] = store.pair if kind == "object" else store.background
    for name in names.keys() - known:
        read(name)
    known |= names.keys()
    for turn, name in acknowledged:
        _expect(names.get(name) == f"{kind.title()} {turn}", name)


def _there(pictures: np.ndarray | None, name: str) -> np.ndarray:
    if pictures is None:
        raise LostError(name)
    return pictures


def _expect(right: bool, name: str) -> None:
    if not right:
        raise LostError(name)


def _no_pictures(*_: object) -> torch.Tensor:
    raise NotImplementedError("nothing is shown to a network here")
