"""What each role of a `Posting` may do in the admin, as Django permissions.

One table says it. After every migration each role has a group, named for it, with exactly
these permissions; an official has those of the groups of today's postings, and nothing
else: no permission is given to a person. Where they count is said by querysets.
"""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import transaction

from procedures.models import Posting

Role = Posting.Role


def _may(actions: str, *models: str) -> set[str]:
    """Permissions such as `procedures.view_posting`, for each action and each `app.model`."""
    pairs = [model.split(".") for model in models]
    return {f"{app}.{action}_{model}" for action in actions.split() for app, model in pairs}


_DOSSIERS = _may("view", "dossiers.dossier")
_READS_QUESTIONS = _may("view", "dossiers.question")
_ANSWERS_QUESTIONS = _may("view change", "dossiers.question")
_MONEY = _may("view", "payments.payment", "payments.gatewaymessage")
_CATALOGUE = (
    _may("view", "procedures.procedure", "procedures.revision", "procedures.searchmiss")
    | _may("view", "procedures.catalogueload", "procedures.nationalupdate")
    | _may("add change", "procedures.procedure")
    | _may("add", "procedures.catalogueload")
    | _may("view add change", "procedures.sector", "procedures.lifeevent")
    | _may("delete", "procedures.searchmiss")
)
_PEOPLE = (
    _may("view add change", "portal.user", "procedures.posting")
    | _may("view change", "procedures.agency")
    | _may("view add change delete", "procedures.absence", "procedures.calendarday")
    | _may("view add change delete", "dossiers.postage")
    | _may("view add change", "dossiers.replytemplate", "dossiers.legalground")
)

PERMISSIONS: dict[str, frozenset[str]] = {
    Role.RECEPTION: frozenset(_DOSSIERS | _ANSWERS_QUESTIONS),
    Role.CASE_OFFICER: frozenset(_DOSSIERS | _ANSWERS_QUESTIONS),
    Role.APPROVER: frozenset(_DOSSIERS),
    Role.LEADER: frozenset(_DOSSIERS | _MONEY | _ANSWERS_QUESTIONS),
    Role.CASHIER: frozenset(_DOSSIERS | _MONEY),
    Role.EDITOR: frozenset(_CATALOGUE),
    Role.SUPERVISOR: frozenset(_DOSSIERS | _MONEY | _READS_QUESTIONS),
    Role.ADMINISTRATOR: frozenset(_CATALOGUE | _PEOPLE | _ANSWERS_QUESTIONS),
}
APPS = sorted({name.split(".")[0] for names in PERMISSIONS.values() for name in names})


class PostingBackend(AuthenticationBackend):
    """The portal's one login; permissions follow from the postings in force today."""

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """None: nobody has a permission but by a role."""
        return set()

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Those of the roles of today, for any object: which objects, querysets say."""
        from django.contrib.auth.models import Permission

        if obj is not None or not user_obj.is_active or not user_obj.is_staff:
            return set()
        if not hasattr(user_obj, "_permissions_today"):
            roles = Posting.objects.filter(user=user_obj).current().values("role")
            names = Permission.objects.filter(group__name__in=roles).distinct()
            pairs = names.order_by().values_list("content_type__app_label", "codename")
            user_obj._permissions_today = {f"{app}.{codename}" for app, codename in pairs}
        return user_obj._permissions_today

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """The same; Django's own would keep a second copy."""
        return self.get_group_permissions(user_obj, obj)


def sync_groups(
    sender: Any = None, apps: Any = installed, using: str = "default", **kwargs: Any
) -> None:
    """Give each role's group exactly its permissions; safe to run at any time.

    Called after every migration, with the models as they then are: a permission whose model
    is not there yet is given by the migration that brings it.
    """
    try:
        Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:  # migrated to before there were any
        return
    for label in APPS:
        create_permissions(installed.get_app_config(label), verbosity=0, apps=apps, using=using)
    rows = Permission.objects.using(using).filter(content_type__app_label__in=APPS)
    names = rows.values_list("pk", "content_type__app_label", "codename")
    keys = {f"{app}.{codename}": pk for pk, app, codename in names}
    with transaction.atomic(using=using):
        Group.objects.using(using).bulk_create(
            [Group(name=role) for role in PERMISSIONS], ignore_conflicts=True
        )
        for group in Group.objects.using(using).filter(name__in=PERMISSIONS):
            group.permissions.set([keys[n] for n in PERMISSIONS[group.name] if n in keys])
