"""Orders on the disk: kept until their job is over, and taken up by the next server as if it had never stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from perturber.accounts import Accounts
from perturber.bench.server import APP
from perturber.config import Settings
from perturber.errors import InvalidInputError, NotAllowedError
from perturber.experiments.measures import Measure
from perturber.experiments.sweep import Axis, Grid
from perturber.service import InferenceService, JobState, JobStatus, job_id, keeping
from perturber.service.engine import LocalEngine
from perturber.service.orders import Order, Orders
from perturber.service.requests import Progress
from perturber.ui.orders import resume
from perturber.ui.states.sweep import PATH, SweepState
from perturber.users import Role, User, acting

LITE0 = "efficientnet_lite0"
STATE = SweepState.default().with_values(
    models=(LITE0,), measures=(Measure(kind="entropy"),), design=Grid((Axis.even("yaw", -60, 60, 12),))
)
LINK = f"{PATH}?{STATE.query()}"
ANN, BOB, VERA = User("ann", Role.EDITOR), User("bob", Role.EDITOR), User("vera", Role.VIEWER)


def order(service: InferenceService, state: SweepState = STATE) -> str:
    return service.orders.submit(service.jobs, state.request(service), f"{PATH}?{state.query()}").id


def files(data: Path) -> list[Path]:
    return sorted((data / "orders").glob("*.json"))


class Counting(LocalEngine):
    """Counts the steps of jobs."""

    steps = 0

    def advance(self, job: str) -> Progress:
        type(self).steps += 1
        time.sleep(0.02)
        return super().advance(job)


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[InferenceService]:
    Counting.steps = 0
    with InferenceService(Settings(device="cpu", data=tmp_path, examples=None), Counting) as service:
        yield service


def long() -> SweepState:
    return STATE.with_values(design=Grid((Axis.even("yaw", -60, 60, 2500),)))


def test_an_order_is_there_until_its_job_is_over(service: InferenceService) -> None:
    with acting(ANN):
        name = order(service)
        (path,) = files(service.settings.data)
        assert json.loads(path.read_text()) == {"link": LINK, "owners": ["ann"]}
        service.wait(name)
        assert files(service.settings.data) == []
        assert order(service) == name  # it is done already
        assert files(service.settings.data) == []


def test_a_cancelled_order_is_forgotten_and_takes_no_further_step(counted: InferenceService) -> None:
    with acting(ANN):
        name = order(counted, long())
        while Counting.steps < 8:
            time.sleep(0.01)
        counted.orders.cancel(counted.jobs, name)
        before = Counting.steps
        assert files(counted.settings.data) == []
        time.sleep(0.5)
        assert Counting.steps <= before + 1  # the one that was under way
        assert counted.jobs.status(name).state is JobState.CANCELLED


def test_it_stays_for_others_who_have_ordered_it(counted: InferenceService) -> None:
    for user in (ANN, BOB):
        with acting(user):
            name = order(counted, long())
    assert [one.owners for _, one in counted.orders.all()] == [("ann", "bob")]
    with acting(BOB), pytest.raises(InvalidInputError, match="goes on"):
        counted.orders.cancel(counted.jobs, name)
    assert [one.owners for _, one in counted.orders.all()] == [("ann",)]
    with acting(BOB), pytest.raises(NotAllowedError):
        counted.orders.cancel(counted.jobs, name)
    with acting(VERA), pytest.raises(NotAllowedError):
        order(counted, long())
    assert [one.owners for _, one in counted.orders.all()] == [("ann",)]


def test_a_server_that_ends_leaves_its_orders_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "KEEP_SECONDS", 0.0)
    settings = Settings(device="cpu", data=tmp_path, examples=None)
    with InferenceService(settings) as first, acting(ANN):
        order(first)
    assert len(files(tmp_path)) == 1
    (tmp_path / "orders" / f"{'0' * 24}.json").write_text("{")
    (tmp_path / "orders" / f"{'1' * 24}.json").write_text('{"link": "/nowhere", "owners": ["ann"]}')
    with InferenceService(settings) as second:
        resume(second)
        name = job_id(STATE.request(second))
        assert second.jobs._jobs[name].owners == {"ann"}
        assert second.wait(name).done.all()
    assert files(tmp_path) == []


def test_there_is_no_moment_without_an_order_that_goes_on(
    counted: InferenceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is killed while it takes its orders up loses none."""
    state, submit = long(), counted.orders.submit
    name = job_id(state.request(counted))
    counted.orders._write(name, Order(link=f"{PATH}?{state.query()}", owners=("ann", "bob")))

    def seen(self: Orders, *order: object) -> JobStatus:
        assert len(files(counted.settings.data)) == 1
        return submit(*order)

    monkeypatch.setattr(Orders, "submit", seen)
    resume(counted)
    assert [one.owners for _, one in counted.orders.all()] == [("ann", "bob")]
    for user in (ANN, BOB):
        with acting(user), suppress(InvalidInputError):
            counted.orders.cancel(counted.jobs, name)
    assert files(counted.settings.data) == []


def test_who_has_no_account_any_more_leaves_an_order_to_the_others(tmp_path: Path) -> None:
    settings = Settings(device="cpu", data=tmp_path, examples=None, host="0.0.0.0")
    Accounts(tmp_path).add("ann", Role.EDITOR, "correct horse battery")
    with InferenceService(settings, Counting) as service:
        state = long()
        name = job_id(state.request(service))
        service.orders._write(name, Order(link=f"{PATH}?{state.query()}", owners=("ann", "bob")))
        resume(service)
        assert [one.owners for _, one in service.orders.all()] == [("ann",)]
        with acting(ANN):
            service.orders.cancel(service.jobs, name)


def test_whose_account_is_gone_gets_nothing(tmp_path: Path) -> None:
    settings = Settings(device="cpu", data=tmp_path, examples=None, host="0.0.0.0")
    Accounts(tmp_path).add("ann", Role.VIEWER, "correct horse battery")
    with InferenceService(settings) as service:
        for name in ("ann", "bob"):
            service.orders._write(job_id(STATE.request(service)), Order(link=LINK, owners=(name,)))
            resume(service)
        assert service.jobs.all() == []
    assert files(tmp_path) == []


def serve(data: Path) -> subprocess.Popen:
    environment = os.environ | {"PERTURBER_PORT": "0", "PERTURBER_DATA": str(data), "PERTURBER_DEVICE": "cpu"}
    environment["PERTURBER_THREADS"] = str(torch.get_num_threads())  # sums of other threads differ in their last bits
    return subprocess.Popen([sys.executable, str(APP)], env=environment, stderr=subprocess.DEVNULL)


@pytest.mark.slow
def test_a_sweep_of_a_server_that_is_killed_is_equal_to_one_that_was_never_stopped(tmp_path: Path) -> None:
    """Its process is killed in the midst of it; the server that is started next goes on by itself."""
    (tmp_path / "orders").mkdir()
    script = (
        f"import os, signal, time, perturber, torch; torch.set_num_threads({torch.get_num_threads()});"
        "from pathlib import Path;"
        "from perturber.config import Settings; from perturber.service import InferenceService;"
        "from perturber.service import keeping; from perturber.ui.states.sweep import SweepState;"
        "from perturber.ui.states.page import parse_query;"
        "keeping.KEEP_SECONDS = 0.0;"
        f"data, query = Path({str(tmp_path)!r}), {STATE.query()!r};"
        "service = InferenceService(Settings(device='cpu', data=data, examples=None));"
        "state = SweepState.from_query(parse_query(query), service.model)[0];"
        "service.orders.submit(service.jobs, state.request(service), f'/sweep?{query}');"
        "\nwhile not list((data / 'sweeps').glob('*.npz')): time.sleep(0.01)"
        "\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script], timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(files(tmp_path)) == 1
    server = serve(tmp_path)
    try:
        end = time.monotonic() + 120
        while files(tmp_path):
            assert time.monotonic() < end
            time.sleep(0.2)
    finally:
        server.kill()
        server.wait()
    with InferenceService(Settings(device="cpu", data=tmp_path, examples=None)) as service:
        found = service.wait(service.jobs.submit(STATE.request(service)).id)
    assert found.computed == 0  # the next server had looked at all of them
    with InferenceService(Settings(device="cpu", data=tmp_path / "never", examples=None)) as service:
        whole = service.wait(service.jobs.submit(STATE.request(service)).id)
    assert whole.computed == 12
    np.testing.assert_array_equal(found.values, whole.values)
    np.testing.assert_array_equal(found.tops, whole.tops)
