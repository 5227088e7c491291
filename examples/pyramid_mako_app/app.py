"""The application: its configuration, a page, and a view that changes what is on it.

The page has three kinds of fragments, and ``templates/`` says where each begins:

- the navigation, one for everyone, for an hour;
- the books borrowed most, one for each year, for a minute: the query is slow;
- the wishes of readers, one for each book, for a minute or until ``add_wish``.

The views hand objects to the templates, and not what is asked of them: a template that
finds its fragment in the cache asks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import strftime
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound, HTTPSeeOther
from pyramid.request import Request

from examples.demo.library import YEARS, Library
from examples.demo.wishes import Wish


def make_app(
    settings: Mapping[str, str], library: Library, wishes: Mapping[str, Wish]
) -> Any:
    """Return the WSGI application.

    :param settings: those of ``development.ini``, where the regions are, too.
    """
    with Configurator(settings=dict(settings)) as config:
        config.include("pyramid_mako")
        config.include("dogpile_templates.pyramid")
        config.add_request_method(lambda request: library, "library", property=True)
        config.add_request_method(lambda request: wishes, "wishes", property=True)
        config.add_route("page", "/", request_method="GET")
        config.add_view(show_page, route_name="page", renderer="page.mako")
        config.add_route("wish", "/wish", request_method="POST")
        config.add_view(add_wish, route_name="wish")
        return config.make_wsgi_app()


def show_page(request: Request) -> dict[str, Any]:
    """Show the page of a year."""
    years = {str(year): year for year in YEARS}  # no others: each would be a fragment
    year = years.get(request.GET.get("year", str(YEARS[0])))
    if year is None:
        raise HTTPNotFound("The library has no loans of that year.")
    return {
        "year": year,
        "years": YEARS,
        "library": request.library,
        "wishes": request.wishes.values(),
        "now": lambda: strftime("%H:%M:%S"),
    }


def add_wish(request: Request) -> HTTPSeeOther:
    """Add a reader to a wish, and remove the one fragment that shows it."""
    wish = request.wishes.get(request.POST.get("wish"))
    reader = request.POST.get("reader", "").strip()
    if wish is None or not reader:
        raise HTTPBadRequest("A wish needs a book and a name.")
    wish.readers.append(reader)
    request.invalidate_fragment("page.mako", wish.id, name="show_wish")
    return HTTPSeeOther(request.route_path("page", _anchor="wishes"))
