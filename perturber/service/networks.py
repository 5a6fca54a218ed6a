"""Networks that are resident on the device: those of the catalogue and edited ones, within a memory budget."""

import logging
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from perturber import zoo
from perturber.config import Settings
from perturber.editing import Edit, EditedNetwork, Editor, independent
from perturber.errors import InvalidInputError, PerturberError
from perturber.zoo import catalogue

log = logging.getLogger(__name__)

MOST_FAILURES = 3
"""In a row, after which a network is asked no more."""


class Networks:
    """Loads networks when they are asked for; the least recently used ones make room.

    Attributes:
        resident: name → network of the catalogue, the most recently used one last.
        editors: names of the models → what edits them, in the same order.
    """

    def __init__(self, settings: Settings, device: torch.device) -> None:
        self.settings = settings
        self.device = device
        self.resident: OrderedDict[str, zoo.Network] = OrderedDict()
        self.editors: OrderedDict[tuple[str, str | None], Editor] = OrderedDict()
        self._failures: Counter[str] = Counter()  # in a row, by name

    def get(self, name: str) -> zoo.Network:
        """The network of this name; an edit's text is a name, too.

        Raises:
            UnknownNameError: naming the networks that exist, or the units that can be edited.
            InvalidInputError: weights are missing or do not fit, the edit cannot be made, or it has failed too often.
        """
        if self._failures[name] >= MOST_FAILURES:
            raise InvalidInputError(
                f"{name} has failed {MOST_FAILURES} times in a row, and is asked no more; the server's log says why. "
                "Choose another model, or restart Perturber."
            )
        if Edit.is_edit(name):
            edit = Edit.parse(name)
            return self.editor(edit.first, edit.second).network(edit)
        network = self._loaded(name)
        self._make_room()
        return network

    @contextmanager
    def watched(self, name: str) -> Iterator[None]:
        """Count what fails in here as the network's failure; one that fails `MOST_FAILURES` times in a row is out."""
        try:
            yield
        except PerturberError:
            raise
        except Exception:
            self._failures[name] += 1
            if self._failures[name] == MOST_FAILURES:
                log.exception("%s has failed %d times in a row and is asked no more", name, MOST_FAILURES)
            raise
        self._failures.pop(name, None)

    def steady(self, names: Sequence[str]) -> list[zoo.Network]:
        """The networks of these names, such that no editor changes them while a work takes its steps.

        Raises:
            InvalidInputError: as of `get`.
        """
        found = {}
        for name in dict.fromkeys(names):
            network = self.get(name)
            found[name] = independent(network) if isinstance(network, EditedNetwork) else network
        return [found[name] for name in names]

    def sharing(self, names: Sequence[str]) -> list[zoo.Network]:
        """As `steady`, but with one copy of weights for all edits of the same models, which take turns.

        Raises:
            InvalidInputError: as of `get`.
        """
        found: dict[str, zoo.Network] = {}
        editors: dict[tuple[str, str | None], Editor] = {}
        for name in dict.fromkeys(names):
            found[name] = network = self.get(name)
            if isinstance(network, EditedNetwork):
                bases = network.edit.first, network.edit.second
                if bases not in editors:
                    with torch.inference_mode(False):
                        editors[bases] = Editor(*(self._loaded(base) for base in bases if base is not None))
                found[name] = editors[bases].network(network.edit)
        return [found[name] for name in names]

    def editor(self, first: str, second: str | None) -> Editor:
        """What edits these models, with their weights as its bases.

        Raises:
            InvalidInputError: they have different architectures, or are edited themselves.
        """
        key = (first, second)
        try:
            networks = [self._loaded(name) for name in dict.fromkeys(key) if name is not None]
            if key not in self.editors:
                with torch.inference_mode(False):
                    self.editors[key] = Editor(networks[0], None if second is None else networks[-1])
            self.editors.move_to_end(key)
            return self.editors[key]
        finally:  # what cannot be mixed was loaded, too
            self._make_room()

    def prefetch(self, name: str) -> zoo.Network | None:
        """Load a network that somebody may soon ask for, if that costs neither much time nor anybody's place.

        That is: where a sibling is resident, and the budget has room for one more.

        Returns:
            The network if it is resident now.

        Raises:
            InvalidInputError: as of `get`.
        """
        entry = catalogue.find(name, self.settings)
        sibling = next((network for network in self.resident.values() if network.fits(entry)), None)
        room = self.settings.model_memory_mib * 2**20 - self.memory
        if name not in self.resident and sibling is not None and sibling.memory <= room:
            self._loaded(name)
            self.resident.move_to_end(name, last=False)  # the first to go until somebody asks for it
        return self.resident.get(name)

    def forget(self, name: str) -> None:
        """Let a network go whose weights have changed."""
        self.resident.pop(name, None)
        self._failures.pop(name, None)
        for key in [key for key in self.editors if name in key]:
            del self.editors[key]

    @property
    def memory(self) -> int:
        """Bytes of all weights that are resident; any thread may ask."""
        networks, editors = list(self.resident.values()), list(self.editors.values())
        return sum(network.memory for network in networks) + sum(editor.resident.memory for editor in editors)

    def _loaded(self, name: str) -> zoo.Network:
        if name not in self.resident:
            with torch.inference_mode(False):  # its weights are to take part in gradients, whoever loads it
                siblings = reversed(self.resident.values())
                self.resident[name] = zoo.load(name, self.device, self.settings, siblings=siblings)
        self.resident.move_to_end(name)
        return self.resident[name]

    def _make_room(self) -> None:
        """Let go what was not used for longest; what was just used stays, however small the budget is."""
        budget = self.settings.model_memory_mib * 2**20
        while self.memory > budget and len(self.editors) > 1:
            self.editors.popitem(last=False)
        newest = next(reversed(self.editors), None)
        while self.memory > budget and len(self.resident) > 1:
            gone, _ = self.resident.popitem(last=False)
            if newest and gone in newest:  # it keeps its bases
                self.editors.clear()
                newest = None
