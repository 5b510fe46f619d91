from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0007_counter_entry")]

    operations = [
        migrations.AddIndex(model_name="event", index=models.Index(fields=["at"], name="event_at")),
    ]
