"""The catalogue: what can be filed."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from procedures import triggers


class ProceduresConfig(AppConfig):
    """Offices, procedures, forms."""

    name = "procedures"
    verbose_name = _("Danh mục thủ tục")

    def ready(self) -> None:
        """Freeze published revisions in the database after every migration."""
        triggers.register(self.label, frozen_revisions)
        post_migrate.connect(install_triggers, sender=self)


def install_triggers(sender: AppConfig, using: str, **kwargs: object) -> None:
    """Receiver of `post_migrate`."""
    triggers.install(sender.label, using)


def _under_published(table: str, row: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM {table} r "  # noqa: S608 (names of our own tables)
        f"WHERE r.id = {row}.revision_id AND r.status <> 'draft')"
    )


def frozen_revisions() -> list[triggers.Trigger]:
    """What was published never changes, nor do the rows below it."""
    from procedures.models import Channel, Fee, LegalBasis, RequiredDocument, Revision

    message = "published revisions are frozen"
    table = Revision._meta.db_table
    changes = triggers.changed(Revision, except_for={"status", "superseded_at"})
    rules = [
        triggers.Trigger(
            "revision_frozen_update", table, "UPDATE", message,
            f"OLD.status <> 'draft' AND (NEW.status = 'draft' OR {changes})",
        ),
        triggers.Trigger(
            "revision_frozen_delete", table, "DELETE", message, "OLD.status <> 'draft'"
        ),
    ]  # fmt: skip
    for model in (Channel, Fee, RequiredDocument, LegalBasis):
        name = model._meta.model_name
        for operation, row in (("INSERT", "NEW"), ("UPDATE", "OLD"), ("DELETE", "OLD")):
            rules.append(
                triggers.Trigger(
                    f"{name}_frozen_{operation.lower()}",
                    model._meta.db_table,
                    operation,
                    message,
                    _under_published(table, row),
                )
            )
    return rules
