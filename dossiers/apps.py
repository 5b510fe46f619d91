"""What was filed, and what became of it."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from procedures import triggers
from procedures.apps import install_triggers

# Modules that fill the table of moves; buttons stand in this order.
_ACTIONS_IN_ORDER = (
    "moves",
    "proposals",
    "assigning",
    "controlslip",
    "recusals",
    "handing.choosing",
    "resultchanges",
    "exemptiondecisions",
    "counter.entry",
    "counter.quick",
)


class DossiersConfig(AppConfig):
    """Dossiers, their papers and their ledger."""

    name = "dossiers"
    verbose_name = _("Hồ sơ")

    def ready(self) -> None:
        """Make the ledger append-only in the database after every migration."""
        from dossiers import ledger, searching  # noqa: F401  (searching listens to moves)

        for name in _ACTIONS_IN_ORDER:
            import_module(f"dossiers.{name}")
        import_module("dossiers.reports.tallies")  # hears of moves that change finished days
        triggers.register(self.label, ledger.append_only)
        post_migrate.connect(install_triggers, sender=self)
