"""What a person typed that could not be saved yet: the session had ended, or it is half done.

It is kept in the session by the page's own address and shown there again, unsaved, to
whoever may open that address: not to the next person who logs in with the same browser,
even where both take part in one dossier, if it is known who typed it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import Resolver404, resolve

from dossiers import throttling

_KEY, _WHOSE = "typed", "typed_by"
MAX_BYTES = 200_000
MAX_PAGES = 5
KEPT_PER_MINUTE = 20

View = Callable[..., HttpResponse]


def keeps_typed(view: View) -> View:
    """`login_required` for a page on which people write: nothing typed is lost on the way.

    A POST of somebody whose session has ended is kept, and the login leads back to the
    page, which shows it again (`of()`); saving forgets it (`forget()`).
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        if request.method == "POST" and _may_keep(request):
            keep(request)
        return redirect_to_login(request.get_full_path())

    wrapped.keeps_typed = True
    return wrapped


def keep(request: HttpRequest, **instead: str) -> bool:
    """Keep the text of this POST for its own address; False where it is too much.

    `instead` replaces inputs of that name. Files are not kept: they were stored when they
    were uploaded, or have to be sent again.
    """
    data = request.POST.copy()
    data.pop("csrfmiddlewaretoken", None)
    for name, value in instead.items():
        data[name] = value
    text = data.urlencode()
    if len(text) > MAX_BYTES:
        return False
    # `portal.sessions` says whose session this very request ended.
    if person := request.user.pk or getattr(request, "logged_out", None):
        request.session[_WHOSE] = person
    kept = request.session.get(_KEY, {})
    kept.pop(request.path, None)
    kept = dict([*kept.items(), (request.path, text)][-MAX_PAGES:])
    while sum(map(len, kept.values())) > MAX_BYTES:
        kept.pop(next(iter(kept)))
    request.session[_KEY] = kept
    return True


def keep_after_refusal(request: HttpRequest) -> bool:
    """Keep what was typed on a page whose token was refused, if it is one that keeps text.

    Not what another site sent: it would put its words into somebody's form, and the session
    that begins with them would take the place of theirs.
    """
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return False
    keeps = request.method == "POST" and getattr(view, "keeps_typed", False)
    return keeps and _is_from_here(request) and _may_keep(request) and keep(request)


def _is_from_here(request: HttpRequest) -> bool:
    """Whether a page of ours sent this: a browser names the site with every POST."""
    here = f"{request.scheme}://{request.get_host()}"
    origin = request.headers.get("Origin", here)
    return origin == here and request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"


def _may_keep(request: HttpRequest) -> bool:
    """Not more than a person types: each one may bring a row of a session."""
    return throttling.allow(request, "typed", per_minute=KEPT_PER_MINUTE)


def _kept(request: HttpRequest) -> dict[str, str]:
    """By address what this person typed; where nobody knows who did, what was typed."""
    is_theirs = request.session.get(_WHOSE) in {None, request.user.pk}
    return request.session.get(_KEY, {}) if is_theirs else {}


def of(request: HttpRequest) -> QueryDict | None:
    """What was typed on this page and not saved; None for nothing."""
    text = _kept(request).get(request.path)
    return None if text is None else QueryDict(text)


def pages(request: HttpRequest) -> set[str]:
    """The addresses for which something typed is kept."""
    return set(_kept(request))


def forget(request: HttpRequest) -> None:
    """What was typed on this page is saved, or no longer wanted."""
    if request.path in request.session.get(_KEY, {}):
        del request.session[_KEY][request.path]
        request.session.modified = True
