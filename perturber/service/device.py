"""Choosing and naming the one device that the service owns."""

import platform

import torch

from perturber.errors import InvalidInputError


def choose_device(name: str) -> torch.device:
    """The device with this name; "auto" is CUDA where there is one, else the CPU.

    Raises:
        InvalidInputError: the name is not a device, or this machine does not have it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    allowed = "Allowed: auto, cpu" + "".join(f", cuda:{i}" for i in range(torch.cuda.device_count())) + "."
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InvalidInputError(f"Unknown device {name[:80]!r}. {allowed}") from None
    if device.type not in ("cpu", "cuda"):
        raise InvalidInputError(f"Device {name[:80]!r} is not supported. {allowed}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InvalidInputError(f"This machine has no device {name[:80]!r}. {allowed}")
    return device


def describe(device: torch.device) -> str:
    """The device's name as a person would say it, e.g. "CPU (2 threads)"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU {platform.machine()}, {threads} thread{'s' * (threads != 1)}"
