"""What happens to the catalogue in the background.

A task may run twice or late, so each looks first whether its effect is already there.
"""

from __future__ import annotations

from django.tasks import task


@task()
def check_load(load_id: int) -> None:
    """Read an uploaded file and keep what it brings.

    While another load is written this one waits; `run_due` asks for it again.
    """
    from procedures.loading import bulk, loads
    from procedures.models import CatalogueLoad

    load = CatalogueLoad.objects.filter(pk=load_id).first()
    if load is None:
        return
    try:
        loads.check(load)
    except bulk.AnotherLoad:
        return
