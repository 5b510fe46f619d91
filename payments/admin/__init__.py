"""Money in the officials' admin, a module for each subject."""

from payments.admin import desk, payments

__all__ = ("desk", "payments")
