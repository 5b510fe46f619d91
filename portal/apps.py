"""The site itself, and the admin site that officials work in."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.db.models.signals import post_migrate


class PortalConfig(AppConfig):
    """Settings, addresses, people, and the home page."""

    name = "portal"
    verbose_name = "Cổng Một Cửa"
    default = True

    def ready(self) -> None:
        """Register the settings checks, what happens at a login, and what roles may do."""
        from portal import checks, roles, sessions  # noqa: F401  (checks registers itself)

        sessions.connect()
        post_migrate.connect(roles.sync_groups, sender=self, dispatch_uid="roles")


class OfficialsAdminConfig(DjangoAdminConfig):
    """Django's admin with our site in place of the stock one."""

    default = False
    default_site = "portal.adminsite.OfficialsSite"
