"""The officials' admin site. Alone in its module: beside a `register()` call the
registrations would silently be lost."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from dossiers import desk, officials, secondfactor, typed
from procedures import postings

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponse]

# What `portal.roles` alone writes, the secrets of people's second factors and sessions, and
# what tasks were given.
NOT_SHOWN = {
    "auth.Group", "mfa.Authenticator", "django_tasks_database.DBTaskResult",
    "usersessions.UserSession",
    "socialaccount.SocialAccount", "socialaccount.SocialApp", "socialaccount.SocialToken",
}  # fmt: skip


class OfficialsSite(AdminSite):
    """Django's admin for officials, behind the same login as everybody and a second factor."""

    site_header = _("Một Cửa – nơi làm việc của cán bộ")
    site_title = _("Một Cửa")
    index_title = _("Công việc")
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Active officials who used a second factor in this very session; demo people alone,
        in demo mode alone, may go without."""
        return super().has_permission(request) and secondfactor.was_used(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """With whether the counter's own page is offered."""
        from portal.admin import may_open_accounts

        is_in = self.has_permission(request)
        return {
            # What Django's own gives, without a list of everything for a side bar that no page has.
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": self.site_url,
            "has_permission": is_in,
            "available_apps": [],
            "is_popup": False,
            "is_nav_sidebar_enabled": self.enable_nav_sidebar,
            "log_entries": self.get_log_entries(request),
            "may_open_accounts": is_in and may_open_accounts(request),
            "menu": officials.menu(request) if is_in else [],
            "handles_dossiers": is_in and bool(postings.roles(request) & postings.HANDLING_ROLES),
            "stands_in_for": postings.replaced(request) if is_in else [],
            "lock_minutes": settings.SCREEN_LOCK_MINUTES,
        }

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """As Django's, and what is refused to an official is logged."""
        return super().admin_view(_noting_refusals(view), cacheable)

    def get_urls(self) -> list:
        """The pages that the apps registered, before the admin's own."""
        pages = [
            path(page.route, self._page_view(page.view), name=page.name)
            for page in officials.PAGES.values()
        ]
        return [*pages, *super().get_urls()]

    def _page_view(self, view: officials.View) -> officials.View:
        """Behind the login; on a page on which people write at length nothing typed is lost."""
        guarded = self.admin_view(view)
        return typed.keeps_typed(guarded) if getattr(view, "keeps_typed", False) else guarded

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Everything but what is nobody's to look at."""
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        shown = [model for model in models if model._meta.label not in NOT_SHOWN]
        super().register(shown, admin_class, **options)

    def index(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """What one may work with; the day of who leads an office begins at the desk, and
        whoever has a single kind of work is taken straight to it."""
        leads = not request.user.is_superuser and postings.roles(request) & desk.SIGNING
        if leads and not request.GET:
            return redirect("admin:desk")
        lists = [
            model["admin_url"] for app in self.get_app_list(request) for model in app["models"]
        ]
        return redirect(lists[0]) if len(lists) == 1 else super().index(request, extra_context)

    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """There is one door: the portal's own login."""
        target = request.GET.get("next") or reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(target, reverse("account_login"))
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_staff and not secondfactor.was_used(request):
            # Asks for the code; for one who has no second factor yet, how to set it up.
            step = "mfa_reauthenticate" if is_mfa_enabled(request.user) else "mfa_index"
            return redirect(f"{reverse(step)}?{urlencode({'next': target})}")
        return render(request, "403.html", status=403)


def _noting_refusals(view: View) -> View:
    """Log who was refused what, by ids alone: addresses of the admin hold no names."""

    @functools.wraps(view)
    def noting(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except (PermissionDenied, Http404) as refusal:
            _note(request, type(refusal).__name__)
            raise
        if response.status_code in {403, 404, 409}:
            _note(request, response.status_code)
        return response

    return noting


def _note(request: HttpRequest, why: Any) -> None:
    logger.warning(
        "refused: user %s, %s %s: %s", request.user.pk, request.method, request.path_info, why
    )
