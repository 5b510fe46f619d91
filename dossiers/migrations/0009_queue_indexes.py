"""Indexes for the queue of many offices, and search terms for what was filed before."""

from itertools import batched

from django.db import migrations, models


def index_filed(apps, schema_editor):
    """By the filer, the principal and those who take part; the form's words follow later."""
    from dossiers.searching import chains, number

    dossiers = apps.get_model("dossiers", "Dossier")
    terms = apps.get_model("dossiers", "SearchTerm")
    filed = dossiers.objects.exclude(state="draft").select_related("owner")
    filed = filed.prefetch_related("participants__user")
    for rows in batched(filed.iterator(chunk_size=500), 500):
        made = [
            terms(dossier=row, value=value)
            for row in rows
            for value in _terms_of(row, chains, number)
        ]
        terms.objects.bulk_create(made, batch_size=2000, ignore_conflicts=True)


def _terms_of(dossier, chains, number):
    joined = [row.user for row in dossier.participants.all() if row.user and not row.ended_at]
    found = set(chains(dossier.behalf.get("name", ""))) | {number(dossier.behalf.get("number", ""))}
    for person in (dossier.owner, *joined):
        found |= chains(person.full_name)
        found |= {number(person.phone), number(person.citizen_number)}
    return found - {""}


class Migration(migrations.Migration):
    dependencies = [
        ("dossiers", "0008_event_at_index"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="dossier",
            index=models.Index(
                models.Case(
                    models.When(state="submitted", then=models.F("answer_by")),
                    models.When(
                        state__in=["accepted", "processing", "awaiting_approval"],
                        then=models.F("promised_at"),
                    ),
                    default=models.Value(None, output_field=models.DateTimeField()),
                ),
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "submitted",
                            "accepted",
                            "processing",
                            "awaiting_approval",
                            "awaiting_confirmation",
                            "supplement_required",
                            "payment_required",
                            "completed",
                        ],
                    )
                ),
                name="dossier_due",
            ),
        ),
        migrations.AddIndex(
            model_name="dossier",
            index=models.Index(
                condition=models.Q(("state", "draft"), _negated=True),
                fields=["-submitted_at", "-id"],
                name="dossier_all",
            ),
        ),
        migrations.RunPython(index_filed, migrations.RunPython.noop, elidable=True),
    ]
