"""A statement file that a cashier uploads: read whole first, then kept line by line."""

from __future__ import annotations

import hashlib

from django.utils.translation import gettext as _

from payments.bank import matching, statements
from payments.bank.matching import Taken
from payments.models import BankStatement
from procedures.models import Agency
from procedures.tables import Unreadable


def keep(name: str, content: bytes, *, agency: Agency, by) -> tuple[BankStatement, Taken]:
    """Take the credits of a file for the account of `agency`.

    `Unreadable`, and nothing is changed, for a file that cannot be read or that is of another
    account. The same file again brings nothing new.
    """
    read = statements.read(name, content)
    account = agency.bank_account["number"]
    if read.account and read.account != account:
        raise Unreadable(
            _("Tệp là sao kê của tài khoản %(other)s, không phải tài khoản %(account)s.")
            % {"other": read.account, "account": account}
        )
    credits = list(statements.all_lines(read))
    statement = BankStatement.objects.create(
        agency=agency,
        account=account,
        name=name[:200],
        sha256=hashlib.sha256(content).hexdigest(),
        format=read.format,
        uploaded_by=by,
        lines_read=len(credits),
        faults=read.faults,
    )
    taken = matching.take(credits, agency=agency, account=account, statement=statement)
    statement.lines_new = statement.lines.count()
    statement.save(update_fields=["lines_new"])
    return statement, taken
