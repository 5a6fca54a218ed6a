"""Requests and their ids: in the answer, in every line of the log, and a line for those that fail or take long."""

import logging
import re
from time import perf_counter
from uuid import uuid4

from flask import Flask, Response, g, request

from perturber.logs import request_id

log = logging.getLogger("perturber.requests")

HEADER = "X-Request-ID"
ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

SLOW_SECONDS = 5.0
"""Looks take a tenth of it, large uploads all of it."""


def name_requests(server: Flask) -> None:
    """Give every request an id, its own if it brings a good one; to be called before whatever may refuse requests."""

    @server.before_request
    def begin() -> None:
        given = request.headers.get(HEADER, "")
        request_id.set(given if ID.fullmatch(given) else uuid4().hex)
        g.begun = perf_counter()

    @server.after_request
    def end(response: Response) -> Response:
        response.headers[HEADER] = request_id.get()
        seconds = perf_counter() - g.get("begun", perf_counter())
        if response.status_code >= 500 or seconds > SLOW_SECONDS:
            said = f"{request.method} {request.path[:200]} was answered with {response.status_code} in {seconds:.1f} s"
            fields = {"method": request.method, "path": request.path[:200], "status": response.status_code}
            log.warning("%s", said, extra={"fields": fields | {"seconds": round(seconds, 3)}})
        return response

    @server.teardown_request
    def forget(_: BaseException | None) -> None:
        request_id.set("")
