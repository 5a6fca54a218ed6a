"""How the server is: ``/healthz`` for whoever restarts it, ``/metrics`` for Prometheus."""

from collections.abc import Iterator
from time import perf_counter

from flask import Flask, Response, g, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from perturber.service import InferenceService
from perturber.service.dispatcher import MAX_BATCH

BATCHES = (1, 2, 4, 8, MAX_BATCH)


def watch(server: Flask, service: InferenceService) -> None:
    """Add both routes, and measure every request."""
    registry = CollectorRegistry()
    registry.register(_Service(service))
    ProcessCollector(registry=registry)
    answered = Counter("perturber_requests", "Requests by route and status.", ["route", "status"], registry=registry)
    seconds = Histogram("perturber_request_seconds", "Time to answer a request.", ["route"], registry=registry)

    kept = Counter("perturber_kept", "Looks by whether their answer was kept from before.", ["hit"], registry=registry)
    waited = Histogram("perturber_wait_seconds", "Time that asking has waited.", ["kind"], registry=registry)
    took = Histogram("perturber_work_seconds", "Time of answers, calls and jobs' steps.", ["kind"], registry=registry)
    together = Histogram("perturber_batch", "Requests answered together.", buckets=BATCHES, registry=registry)

    def observe(kind: str, waiting: float, working: float, requests: int) -> None:
        took.labels(kind).observe(working)
        if kind != "step":
            waited.labels(kind).observe(waiting)
        if kind == "answer":
            together.observe(requests)

    service.dispatcher.observe = observe

    @server.get("/healthz")
    def healthz() -> tuple[Response, int]:
        """Whether looks are answered: 200, or 503 where the service has stopped."""
        health = service.health()
        return jsonify(vars(health)), 200 if health.ready else 503

    @server.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    @server.after_request
    def measure(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        answered.labels(route, response.status_code).inc()
        if "begun" in g:  # see `name_requests`
            seconds.labels(route).observe(perf_counter() - g.begun)
        if "kept" in g:
            kept.labels(str(g.kept).lower()).inc()
        return response


class _Service(Collector):
    """What the service says of itself whenever it is asked."""

    def __init__(self, service: InferenceService) -> None:
        self.service = service

    def collect(self) -> Iterator[Metric]:
        health = self.service.health()
        for name, value, meaning in (
            ("ready", float(health.ready), "Whether looks are answered."),
            ("waiting", health.waiting, "Looks and comparisons that wait."),
            ("jobs", health.jobs, "Jobs that are not over."),
            ("failures", health.failures, "Errors outside of an answer since the start."),
            ("busy_seconds", health.busy_seconds, "For which one thing has been done."),
        ):
            yield GaugeMetricFamily(f"perturber_{name}", meaning, value)
        memory = GaugeMetricFamily("perturber_memory_bytes", "Of networks' weights, and of a GPU.", labels=["of"])
        for use, size in health.memory.items():
            memory.add_metric([use], size)
        yield memory
