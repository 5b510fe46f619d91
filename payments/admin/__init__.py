"""Money in the officials' admin, a module for each subject."""

from payments.admin import bank, desk, messages, payments

__all__ = ("bank", "desk", "messages", "payments")
