"""Fair timing on a noisy machine: everything is measured in turn, and medians are compared."""

import gc
from collections.abc import Callable, Mapping
from time import perf_counter

import numpy as np
import torch


def measure(
    jobs: Mapping[str, Callable[[int], object]],
    *,
    rounds: int,
    warmup: int = 3,
    device: torch.device | None = None,
) -> dict[str, np.ndarray]:
    """Milliseconds of each job, one after the other in every round, so that a slow moment hits all of them.

    Args:
        jobs: name → function of the round's number (negative in the warm-up).
        rounds: measurements of each job.
        device: waited for at the end of each job.

    Returns:
        Name → (rounds,) milliseconds.
    """
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(-warmup, rounds):
        for name, job in jobs.items():
            gc.collect(0)
            start = perf_counter()
            job(number)
            if device is not None and device.type == "cuda":
                torch.cuda.synchronize(device)
            if number >= 0:
                times[name].append((perf_counter() - start) * 1e3)
    return {name: np.array(values) for name, values in times.items()}


def table(title: str, rows: Mapping[str, np.ndarray], *, per: Mapping[str, int] | None = None) -> None:
    """Print median and 95th percentile of each row, divided by the number of pictures where `per` names it."""
    width = max(len(name) for name in rows) + 2
    print(f"\n{title}\n{'':{width}}{'median':>10}{'p95':>10}  ms")
    for name, values in rows.items():
        share = values / (per or {}).get(name, 1)
        print(f"{name:{width}}{np.median(share):10.2f}{np.percentile(share, 95):10.2f}")
