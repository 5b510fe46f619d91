"""What happens to every request and response, whichever page it is."""

from __future__ import annotations

from collections.abc import Callable

from allauth.core.exceptions import RateLimited
from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import translation

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


class ChosenLanguage:
    """Vietnamese, unless the person chose another language here.

    Unlike Django's own, it does not follow the browser: a phone set to English is no wish
    to read a Vietnamese office in English.
    """

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Honour the cookie that `set_language` writes."""
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


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


class TooManyRequests:
    """A code that was asked for too often, and what else allauth refuses so, has a page."""

    def __init__(self, get_response: GetResponse):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Nothing before, nothing after."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The page for 429, where some of allauth's views let the exception through."""
        return render(request, "429.html", status=429) if isinstance(error, RateLimited) else None


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
