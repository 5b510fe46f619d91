"""What reception notes when a dossier is handed in on paper."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column of `Dossier`."""

    dependencies = [("dossiers", "0006_tallies_by_day")]

    operations = [
        migrations.AddField(
            model_name="dossier",
            name="at_counter",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="Giấy tờ đã xem, đã giữ, số bản mỗi loại; xem `counter.originals.Record`.",
                verbose_name="ghi nhận tại quầy",
            ),
        ),
    ]
