"""Orders of long jobs on the disk, so that a server that was stopped takes them up again."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from perturber.disk import changing, write_whole
from perturber.errors import InvalidInputError, StorageError
from perturber.service.jobs import JobQueue, JobRequest, JobStatus, job_id
from perturber.users import Role, current, need

log = logging.getLogger(__name__)

FOLDER = "orders"
NAME = re.compile(r"[0-9a-f]{24}")


class Order(BaseModel):
    """What was ordered.

    Attributes:
        link: path and query of the page's state that says all of it.
        owners: users who have ordered it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    link: Annotated[str, StringConstraints(max_length=200_000)]
    owners: Annotated[tuple[str, ...], Field(min_length=1, max_length=1000, strict=False)]


@dataclass(frozen=True)
class Orders:
    """The orders in a data folder, a file of JSON each, by the names of their jobs.

    They stay until the job is over, and not merely because the server ends (see `JobQueue.end`).
    """

    data: Path

    def submit(self, jobs: JobQueue, request: JobRequest, link: str) -> JobStatus:
        """Order a job for the user who asks, which outlasts the server; a disk that is full keeps nobody from it.

        Raises:
            NotAllowedError, InvalidInputError: as of `JobQueue.submit`.
        """
        need(Role.EDITOR, "start jobs")
        name, before = job_id(request), self._read(job_id(request))
        owners = (*(before.owners if before else ()), current().name)
        try:
            self._write(name, Order(link=link, owners=tuple(dict.fromkeys(owners))))
        except StorageError as error:
            log.warning("%s", error)
        try:
            status = jobs.submit(request)
        except BaseException:
            self._put_back(name, before)
            raise
        if status.state.over:
            self.remove(name)
        return status

    def cancel(self, jobs: JobQueue, name: str) -> JobStatus:
        """End a job for the user who asks.

        Raises:
            NotAllowedError, InvalidInputError: as of `JobQueue.cancel`.
        """
        try:
            return jobs.cancel(name)
        except InvalidInputError:  # it goes on for others
            self.leave(name, current().name)
            raise

    def leave(self, name: str, owner: str) -> None:
        """Forget that a user has ordered it, and the order with its last owner."""
        if (order := self._read(name)) is None:
            return
        others = tuple(one for one in order.owners if one != owner)
        if not others:
            return self.remove(name)
        try:
            self._write(name, Order(link=order.link, owners=others))
        except StorageError as error:
            log.warning("%s", error)

    def remove(self, name: str) -> None:
        """Forget an order; nothing happens where there is none."""
        with suppress(OSError):
            self._path(name).unlink(missing_ok=True)

    def all(self) -> Iterator[tuple[str, Order]]:
        """Name and order of all; what is none is removed."""
        for path in sorted((self.data / FOLDER).glob("*.json")):
            if NAME.fullmatch(path.stem) and (order := self._read(path.stem)) is not None:
                yield path.stem, order

    def _path(self, name: str) -> Path:
        return self.data / FOLDER / f"{name}.json"

    def _read(self, name: str) -> Order | None:
        try:
            return Order.model_validate(json.loads(self._path(name).read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, ValidationError, RecursionError) as error:
            log.warning("The order %s cannot be used: %s.", name, str(error).splitlines()[0].rstrip("."))
            self.remove(name)
            return None

    def _write(self, name: str, order: Order) -> None:
        try:
            with changing(self._path(name)):
                write_whole(self._path(name), order.model_dump_json().encode())
        except OSError as error:
            raise StorageError(f"An order cannot be kept in {str(self.data)!r}: {error.strerror or error}.") from error

    def _put_back(self, name: str, before: Order | None) -> None:
        if before is None:
            self.remove(name)
        else:
            self._write(name, before)
