"""Addresses of short links: ``/s/<id>`` leads to the page and the state that it stands for."""

from flask import Blueprint, Response, redirect
from werkzeug.wrappers import Response as Answer

from perturber.errors import InvalidInputError
from perturber.sessions import ShortLinks
from perturber.ui.components.session_bar import LONGEST_ADDRESS
from perturber.ui.context import service
from perturber.ui.moments import SHORT

routes = Blueprint("short_links", __name__)


@routes.get("/s/<id>")
def follow(id: str) -> Answer:
    """Lead on, to an address that holds the state, or that names the link where no address can hold it."""
    try:
        page, query = ShortLinks(service().settings.data).long_query(id)
    except InvalidInputError as error:
        return Response(str(error), 404, mimetype="text/plain")
    return redirect(f"{page}?{query}" if len(page) + len(query) < LONGEST_ADDRESS else f"{page}?{SHORT}={id}")
