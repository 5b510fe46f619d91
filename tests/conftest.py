"""What every test may use, and how the two databases are prepared."""

import os
from urllib.parse import quote

import hypothesis
import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import TransactionTestCase

# A slow moment of the machine is no fault of the code under test.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


# Fixtures by which a test says that it needs the database.
DATABASE = {"db", "transactional_db", "django_db_setup", "live_server"}


# What these hold (printing, the search index, the processes, words, the authored procedures, the
# table of moves, pages) is the same whichever database is below, and a good part of the suite's
# time. Races, constraints, whatever is sent to a form, the ledger, the queue, figures, the books
# of money and every address by every role run on both.
ONE_DATABASE = {
    "tests/dossiers/test_abuse.py",
    "tests/dossiers/test_access.py",
    "tests/dossiers/test_admin.py",
    "tests/dossiers/test_behalf.py",
    "tests/dossiers/test_bundles.py",
    "tests/dossiers/test_clock.py",
    "tests/dossiers/test_collecting.py",
    "tests/dossiers/test_complaints.py",
    "tests/dossiers/test_controlslip.py",
    "tests/dossiers/test_counter_entry.py",
    "tests/dossiers/test_delivery.py",
    "tests/dossiers/test_desk.py",
    "tests/dossiers/test_dossier_page.py",
    "tests/dossiers/test_filing_pages.py",
    "tests/dossiers/test_following.py",
    "tests/dossiers/test_messages.py",
    "tests/dossiers/test_moves.py",
    "tests/dossiers/test_notices.py",
    "tests/dossiers/test_office_prints.py",
    "tests/dossiers/test_officials_abuse.py",
    "tests/dossiers/test_opinions.py",
    "tests/dossiers/test_paper_templates.py",
    "tests/dossiers/test_parcels.py",
    "tests/dossiers/test_participants.py",
    "tests/dossiers/test_pdf_upload.py",
    "tests/dossiers/test_previews.py",
    "tests/dossiers/test_proposals.py",
    "tests/dossiers/test_questions.py",
    "tests/dossiers/test_quick_entry.py",
    "tests/dossiers/test_refusal.py",
    "tests/dossiers/test_reports.py",
    "tests/dossiers/test_result_changes.py",
    "tests/dossiers/test_results.py",
    "tests/dossiers/test_signing.py",
    "tests/dossiers/test_supplements.py",
    "tests/dossiers/test_tasks.py",
    "tests/dossiers/test_token_signing.py",
    "tests/dossiers/test_tracking.py",
    "tests/dossiers/test_uploads.py",
    "tests/dossiers/test_verifying.py",
    "tests/dossiers/test_wallet.py",
    "tests/dossiers/test_way_through.py",
    "tests/dossiers/test_workflow.py",
    "tests/payments/test_callback.py",
    "tests/payments/test_desk.py",
    "tests/payments/test_gateways.py",
    "tests/payments/test_momo.py",
    "tests/payments/test_money_report.py",
    "tests/payments/test_payment_admin.py",
    "tests/payments/test_query.py",
    "tests/payments/test_reconcile.py",
    "tests/payments/test_return_page.py",
    "tests/payments/test_sandbox.py",
    "tests/payments/test_services.py",
    "tests/payments/test_start_page.py",
    "tests/portal/test_account_pages.py",
    "tests/portal/test_closing.py",
    "tests/portal/test_my_data.py",
    "tests/portal/test_openid.py",
    "tests/portal/test_run_due.py",
    "tests/portal/test_serve.py",
    "tests/procedures/test_acroform.py",
    "tests/procedures/test_catalogue_admin.py",
    "tests/procedures/test_catalogue_pages.py",
    "tests/procedures/test_checking.py",
    "tests/procedures/test_export.py",
    "tests/procedures/test_finding.py",
    "tests/procedures/test_fixtures.py",
    "tests/procedures/test_fixtures_business.py",
    "tests/procedures/test_form_types.py",
    "tests/procedures/test_form_views.py",
    "tests/procedures/test_levels.py",
    "tests/procedures/test_life_events.py",
    "tests/procedures/test_load_command.py",
    "tests/procedures/test_loading.py",
    "tests/procedures/test_needs.py",
    "tests/procedures/test_opendata.py",
    "tests/procedures/test_papers.py",
    "tests/procedures/test_publishing.py",
    "tests/procedures/test_search.py",
    "tests/procedures/test_search_questions.py",
    "tests/procedures/test_workbook.py",
    "tests/test_conformance.py",
    "tests/test_locale.py",
    "tests/test_project.py",
}


def pytest_collection_modifyitems(config, items):
    """Race tests need row locks; on PostgreSQL what is the same on both does not run again.

    That is every test without the database, those of `ONE_DATABASE`, and the browser tests, but
    for those that are marked `both_databases`.
    """
    uses_postgres = connection.vendor == "postgresql"
    needs_postgres = pytest.mark.skip(reason="needs PostgreSQL: SQLite has one writer at a time")
    kept, left_out = [], []
    for item in items:
        if item.get_closest_marker("race") and not uses_postgres:
            item.add_marker(needs_postgres)
        (left_out if uses_postgres and _runs_once(item) else kept).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def _runs_once(item) -> bool:
    if item.get_closest_marker("race") or item.get_closest_marker("both_databases"):
        return False
    if item.nodeid.startswith("tests/e2e/") or item.nodeid.split("::")[0] in ONE_DATABASE:
        return True
    has_database = item.get_closest_marker("django_db") or DATABASE & set(item.fixturenames)
    return not has_database


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix(request):
    """On SQLite each xdist worker already has a folder, and so a file, of its own."""
    if connection.vendor == "postgresql":
        from pytest_django.fixtures import _set_suffix_to_test_databases

        worker = getattr(request.config, "workerinput", {}).get("workerid")
        if worker:
            _set_suffix_to_test_databases(suffix=worker)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup):
    """Close the pool while the test database still stands: open connections keep it alive."""
    yield
    connections.close_all()
    if connection.vendor == "postgresql":
        connection.close_pool()


@pytest.fixture(scope="session", autouse=True)
def _flush_passes_the_ledger():
    """Let the flush after a live-server test, and nothing else, empty append-only tables."""
    flush = TransactionTestCase._fixture_teardown

    def flush_without_triggers(self):
        from procedures.triggers import lifted

        with lifted(connection):
            flush(self)

    TransactionTestCase._fixture_teardown = flush_without_triggers
    yield
    TransactionTestCase._fixture_teardown = flush


@pytest.fixture
def run_tasks():
    """A function that runs every task that is ready, and those they add, in this process.

    Returns how many ran. A task that fails fails the test, with the task's own traceback.
    """
    from django_tasks_db.management.commands.db_worker import Worker
    from django_tasks_db.models import DBTaskResult

    worker = Worker(
        queue_names=["*"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="tests",
        excluded_queue_names=[],
    )

    def run() -> int:
        count = 0
        while (task := DBTaskResult.objects.ready().first()) is not None:
            task.claim(worker.worker_id)
            worker.run_task(task)
            task.refresh_from_db()
            if task.traceback:
                pytest.fail(f"{task.task_path} failed:\n{task.traceback}")
            count += 1
        return count

    return run


@pytest.fixture
def subprocess_env():
    """The environment in which `manage.py` as another process works on the test database."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "postgresql":
        host = connection.settings_dict["OPTIONS"]["host"]
        url = f"postgresql://postgres@/{quote(name)}?host={quote(host)}"
    else:
        url = f"sqlite:///{name}"
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": url,
        "VAR_DIR": str(settings.VAR_DIR),
    }
