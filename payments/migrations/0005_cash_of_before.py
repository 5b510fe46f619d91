"""Cash that was taken before drawers were kept lies in the drawer of who took it.

The first close of each cashier takes it; without this `reconcile` would name every one.
"""

from django.db import migrations


def lay_into_drawers(apps, schema_editor):
    """A movement for every cash payment without one, as long as its receipt says who took it."""
    movements = apps.get_model("payments", "CashMovement").objects
    receipts = apps.get_model("payments", "Receipt").objects.filter(
        payment__method="cash", payment__state="paid", payment__cash_movement=None
    )
    for receipt in receipts.exclude(received_by=None).iterator(chunk_size=500):
        movements.create(
            payment_id=receipt.payment_id,
            cashier_id=receipt.received_by_id,
            agency_id=receipt.agency_id,
            at=receipt.issued_at,
        )


class Migration(migrations.Migration):
    """Data alone."""

    dependencies = (("payments", "0004_stand_in_receipts"),)

    operations = (migrations.RunPython(lay_into_drawers, migrations.RunPython.noop),)
