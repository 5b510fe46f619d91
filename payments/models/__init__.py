"""Fees that were asked, money that was received, and money that went back."""

from payments.models.bank import BankLine, BankStatement
from payments.models.desk import CashClose, CashMovement, Reconciliation
from payments.models.payments import (
    GatewayMessage,
    Payment,
    SandboxOrder,
    check_character,
    is_reference,
    new_reference,
)
from payments.models.receipts import LegalReceipt, Receipt, ReceiptCounter, StandInReceipt
from payments.models.refunds import Refund

__all__ = (
    "BankLine",
    "BankStatement",
    "CashClose",
    "CashMovement",
    "GatewayMessage",
    "LegalReceipt",
    "Payment",
    "Receipt",
    "ReceiptCounter",
    "Reconciliation",
    "Refund",
    "SandboxOrder",
    "StandInReceipt",
    "check_character",
    "is_reference",
    "new_reference",
)
