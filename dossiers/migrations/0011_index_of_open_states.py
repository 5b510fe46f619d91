"""What is open, by state and in the order of the tabs: for who oversees many offices."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dossiers", "0010_tally_supplemented"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="dossier",
            index=models.Index(
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
                fields=["state"],
                name="dossier_open_state",
            ),
        ),
        migrations.AddIndex(
            model_name="dossier",
            index=models.Index(
                condition=models.Q(
                    (
                        "state__in",
                        ["supplement_required", "payment_required", "awaiting_confirmation"],
                    )
                ),
                fields=["citizen_by"],
                name="dossier_citizens_turn",
            ),
        ),
        migrations.AddIndex(
            model_name="dossier",
            index=models.Index(
                condition=models.Q(("state__in", ["completed"])),
                fields=["completed_at"],
                name="dossier_to_hand_over",
            ),
        ),
    ]
