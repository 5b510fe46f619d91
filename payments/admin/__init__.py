"""Money in the officials' admin, a module for each subject."""

from payments.admin import (
    bank,
    desk,
    messages,
    moneyreport,
    payments,
    receipts,
    reconciling,
    refunds,
)

__all__ = (
    "bank",
    "desk",
    "messages",
    "moneyreport",
    "payments",
    "receipts",
    "reconciling",
    "refunds",
)
