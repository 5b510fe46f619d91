"""More dossiers like one, without the long way through filing."""

from __future__ import annotations

import itertools
from typing import Any

from dossiers.models import Dossier
from tests import factories

_numbers = itertools.count(1)


def copies_of(dossier: Dossier, number: int = 1, **changes: Any) -> list[Dossier]:
    """Rows like this one with `changes`, each with an owner and a code of its own."""
    fields = {
        field.attname: getattr(dossier, field.attname)
        for field in Dossier._meta.local_concrete_fields
        if field.name not in {"id", "key", "code", "secret"}
    }
    changes = {
        Dossier._meta.get_field(name).attname: getattr(value, "pk", value)
        for name, value in changes.items()
    }
    owner = changes.pop("owner_id", None)
    rows = [
        Dossier(
            **{**fields, "owner_id": owner or factories.user().pk, **changes},
            code=f"{dossier.code}{next(_numbers):05d}",
        )
        for _index in range(number)
    ]
    return Dossier.objects.bulk_create(rows)
