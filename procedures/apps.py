"""The catalogue: what can be filed."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _

from procedures import triggers


class ProceduresConfig(AppConfig):
    """Offices, procedures, forms."""

    name = "procedures"
    verbose_name = _("Danh mục thủ tục")

    def ready(self) -> None:
        """Freeze published revisions in the database after every migration."""
        triggers.register(self.label, frozen_revisions)
        pre_migrate.connect(make_way, sender=self)
        post_migrate.connect(install_triggers, sender=self)


def make_way(sender: AppConfig, using: str, plan: list | None = None, **kwargs: object) -> None:
    """Receiver of `pre_migrate`; where nothing is to be migrated every rule stays in force."""
    if plan:
        triggers.make_way(using)


def install_triggers(sender: AppConfig, using: str, **kwargs: object) -> None:
    """Receiver of `post_migrate`."""
    triggers.install(sender.label, using)


def _tables_below(table: str) -> list[tuple[str, str]]:
    """The tables whose rows belong to a revision, and the SQL that finds it from `{row}`."""
    from procedures.models import Channel, Fee, LegalBasis, RequiredDocument, Revision

    own = [
        (model._meta.db_table, "{row}.revision_id")
        for model in (Channel, Fee, RequiredDocument, LegalBasis)
    ]
    fee = Fee._meta.db_table
    return [
        *own,
        (Revision.life_events.through._meta.db_table, "{row}.revision_id"),
        (
            Fee.channels.through._meta.db_table,
            f"(SELECT f.revision_id FROM {fee} f WHERE f.id = {{row}}.fee_id)",  # noqa: S608
        ),
    ]


def _is_published(table: str, revision: str, row: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM {table} r "  # noqa: S608 (names of our own tables)
        f"WHERE r.id = {revision.format(row=row)} AND r.status <> 'draft')"
    )


def frozen_revisions() -> list[triggers.Trigger]:
    """What was published never changes, nor do the rows below it."""
    from procedures.models import Revision

    message = "published revisions are frozen"
    table = Revision._meta.db_table
    changes = triggers.changed(Revision, except_for={"status", "superseded_at", "published_at"})
    rules = [
        triggers.Trigger(
            "revision_frozen_update", table, "UPDATE", message,
            f"OLD.status <> 'draft' AND {changes}"
            " OR OLD.status IN ('published', 'superseded')"
            " AND (NEW.status IN ('draft', 'scheduled')"
            " OR NEW.published_at IS DISTINCT FROM OLD.published_at)"
            " OR OLD.status = 'superseded' AND NEW.status <> 'superseded'",
        ),
        triggers.Trigger(
            "revision_frozen_delete", table, "DELETE", message, "OLD.status <> 'draft'"
        ),
    ]  # fmt: skip
    for below, revision in _tables_below(table):
        conditions = {
            "INSERT": _is_published(table, revision, "NEW"),
            "UPDATE": f"{_is_published(table, revision, 'OLD')} OR "
            f"{_is_published(table, revision, 'NEW')}",
            "DELETE": _is_published(table, revision, "OLD"),
        }
        for operation, when in conditions.items():
            name = f"{below.removeprefix('procedures_')}_frozen_{operation.lower()}"
            rules.append(triggers.Trigger(name, below, operation, message, when))
    rules += [
        triggers.Trigger(
            f"{name.removeprefix('procedures_')}_frozen_truncate", name, "TRUNCATE", message
        )
        for name in (table, *(below for below, _revision in _tables_below(table)))
    ]
    return rules
