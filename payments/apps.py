"""Fees asked and money received."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    """Payments, gateways and receipts."""

    name = "payments"
    verbose_name = _("Phí, lệ phí")

    def ready(self) -> None:
        """Listen to the moves of dossiers."""
        # They register themselves.
        from payments import exemptions, panels, papernotes, quickcash, services  # noqa: F401
