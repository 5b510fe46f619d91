"""Money in the officials' admin, a module for each subject."""

from payments.admin import payments

__all__ = ("payments",)
