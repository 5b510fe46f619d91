"""What happens to every request and response, whichever page it is."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, QueryDict

from procedures.text import normalise

GetResponse = Callable[[HttpRequest], HttpResponse]


class NormaliseText:
    """Brings all text that people send to one spelling: NFC, no control or bidi characters.

    At the edge, once: PostgreSQL refuses what SQLite takes, and two spellings of one name
    would never match.
    """

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Normalise GET and, for forms, POST."""
        request.GET = _normalised(request.GET)
        if request.method == "POST" and request.content_type in {
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        }:
            request.POST = _normalised(request.POST)
        return self.get_response(request)


def _normalised(query: QueryDict) -> QueryDict:
    clean = QueryDict(mutable=True)
    for key, values in query.lists():
        clean.setlist(normalise(key), [normalise(value) for value in values])
    clean._mutable = False
    return clean


class PermissionsPolicy:
    """Headers that neither Django nor CSP has a setting for."""

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse the browser's devices, and other sites' use of our answers."""
        response = self.get_response(request)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"
        )
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class NoStoreForPeople:
    """Pages of somebody who is logged in are never kept by a browser or a proxy.

    On the shared computer of a one-stop desk, "back" after logging out must show nothing.
    """

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add `no-store` where a person is known."""
        response = self.get_response(request)
        if request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store, private")
        return response
