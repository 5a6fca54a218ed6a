"""``perturber bench look``: what the service adds to its renderer and networks, the first visit, the browser's loop."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from perturber.bench.timing import measure, table
from perturber.config import Settings
from perturber.objects.primitives import sphere_pair
from perturber.render import Renderer
from perturber.scene import Scene, SceneBase
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.service.engine import LocalEngine
from perturber.zoo import Network

MODELS = ("efficientnet_lite0", "efficientnet_lite1")
CHANNELS = tuple(range(8))


def run(settings: Settings, *, rounds: int = 30, browser: bool = True) -> None:
    """Print the tables."""
    _service(settings, rounds)
    if browser:
        from perturber.bench.browser import run as loop
        from perturber.bench.first_visit import run as first_visit

        first_visit(settings)
        loop(settings, rounds=rounds)
    print(f"\nresident memory of this process: {_resident_mib():.0f} MiB")


def _scene(number: int) -> SceneBase:
    return Scene().replace(yaw=7 * number % 360 - 180)


def _service(settings: Settings, rounds: int) -> None:
    """Service, bare renderer and bare networks, one after the other in every round on the same scenes."""
    engines: list[LocalEngine] = []

    def engine(chosen: Settings) -> LocalEngine:
        engines.append(LocalEngine(chosen))
        return engines[0]

    with InferenceService(settings, engine) as service:
        infos = [service.model(name) for name in MODELS]
        slots = tuple(SlotRequest(model=i.name, layer=i.default_layer, channels=CHANNELS) for i in infos)
        bare = engines[0]
        networks = {name: bare.network(name) for name in MODELS}
        pictures: dict[int, torch.Tensor] = {}

        @torch.inference_mode()
        def render(number: int) -> None:
            pictures[number] = bare.renderer.render([_scene(number)])

        def forward(name: str) -> Callable[[int], object]:
            @torch.inference_mode()
            def job(number: int) -> None:
                networks[name].module(networks[name].preprocess(pictures[number]))

            return job

        jobs: dict[str, Callable[[int], object]] = {
            "bare render": render,
            **{f"bare forward {name}": forward(name) for name in MODELS},
            "service, scene + both models": lambda n: service.look(LookRequest(scene=_scene(n), slots=slots)),
        }
        times = measure(jobs, rounds=rounds, warmup=5, device=bare.device)
        table(f"Service on {bare.device_name}, layer {infos[0].default_layer}, 8 channels, logits", times)
        *parts, whole = times.values()
        print(f"service / sum of the bare parts: {np.median(whole / sum(parts)):.3f} (median of the rounds)")
        print(f"updates a second in the service: {1e3 / np.median(whole):.1f}")
        _three_slots(service, bare, rounds)
        _triangles(bare.device, rounds)


def _three_slots(service: InferenceService, engine: LocalEngine, rounds: int) -> None:
    """Eight neurons in each of three slots, with predictions: of real networks, and of Lucent's InceptionV1."""
    from lucent.modelzoo.inceptionv1.InceptionV1 import InceptionV1

    torch.manual_seed(0)  # random weights serve for timing
    entry = replace(engine.network(MODELS[0]).entry, name="inceptionv1")
    networks = {MODELS[0]: engine.network(MODELS[0]), "InceptionV1": Network(entry, InceptionV1(), engine.device)}

    def job(network: Network) -> Callable[[int], object]:
        slot = SlotRequest(model=network.entry.name, layer=network.default_layer, channels=CHANNELS)
        engine.networks.resident[network.entry.name] = network
        return lambda n: engine.answer([LookRequest(scene=_scene(n), slots=(slot,) * 3)])

    times = measure({name: job(n) for name, n in networks.items()}, rounds=rounds, warmup=5, device=engine.device)
    table("Three slots of one network, eight neurons each, predictions (bar on a GPU: 15 ms)", times)


@torch.inference_mode()
def _triangles(device: torch.device, rounds: int) -> None:
    pair = sphere_pair()
    renderer = Renderer(device)
    renderer.add_pair(pair)
    scene = Scene()
    views = [scene.model_copy(update={"object": pair.name, "yaw": 10.0 * i}) for i in range(36)]
    times = measure({"render": lambda n: renderer.render([views[n % 36]]).cpu()}, rounds=rounds, device=device)
    table(f"One picture of {len(pair.faces)} triangles", times)


def _resident_mib() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
