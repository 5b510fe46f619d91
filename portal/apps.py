"""The site itself, and the admin site that officials work in."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class PortalConfig(AppConfig):
    """Settings, addresses, people, and the home page."""

    name = "portal"
    verbose_name = "Cổng Một Cửa"
    default = True

    def ready(self) -> None:
        """Register the settings checks, and what happens at a login."""
        from portal import checks, sessions  # noqa: F401  (checks registers itself)

        sessions.connect()


class OfficialsAdminConfig(DjangoAdminConfig):
    """Django's admin with our site in place of the stock one."""

    default = False
    default_site = "portal.adminsite.OfficialsSite"
