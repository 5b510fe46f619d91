"""Who may edit the catalogue."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse

from procedures.models import Posting
from procedures.postings import roles

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

EDIT = frozenset({Posting.Role.EDITOR, Posting.Role.ADMINISTRATOR})


def edits_catalogue(request: HttpRequest) -> bool:
    """Whether this person writes or publishes procedures today."""
    return bool(roles(request) & EDIT)


def for_editors(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view for editors of the catalogue; for anybody else there is nothing there."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not edits_catalogue(request):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


class CatalogueAdmin(admin.ModelAdmin):
    """Seen and worked with by catalogue editors; nothing is added, edited or deleted by hand."""

    actions = None
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Editors and administrators."""
        return edits_catalogue(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Editors and administrators."""
        return edits_catalogue(request)

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Not by hand, unless a subclass says so."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Not by hand, unless a subclass says so."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Not by hand, unless a subclass says so."""
        return False


class PagedAdmin(CatalogueAdmin):
    """Rows with a page of their own, a subclass's `page_view`, in place of Django's form."""

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict | None = None,
    ) -> HttpResponse:
        """The page, for editors alone."""
        if not edits_catalogue(request) or not str(object_id).isdecimal():
            raise Http404
        return self.page_view(request, int(object_id))

    def context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        """What every page of the officials' site needs."""
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title}


def full_name(person: User | None) -> str:
    """What a list says of a person; "–" for nobody."""
    return person.get_full_name() if person else "–"
