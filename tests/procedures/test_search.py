"""Search as people type: without accents, with slips, by code, and with any sign at all."""

import multiprocessing
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from procedures import machinefolder, search
from procedures.models import (
    LegalBasis,
    LifeEvent,
    Procedure,
    RequiredDocument,
    Revision,
    Sector,
)
from procedures.search import indexing, wording
from procedures.search.entries import entries
from procedures.search.facets import weight_of
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def search_dir(settings, tmp_path) -> Path:
    settings.SEARCH_DIR = tmp_path / "search"
    return settings.SEARCH_DIR


def make_procedure(code: str, short_name: str, **details) -> Procedure:
    """A published procedure with what search reads of it."""
    sector, _ = Sector.objects.get_or_create(
        name=details.get("sector", "Hộ tịch"),
        defaults={"slug": f"linh-vuc-{Sector.objects.count()}"},
    )
    procedure = Procedure.objects.create(code=code, slug=code.replace(".", "-"))
    revision = Revision.objects.create(
        procedure=procedure, number=1, name=f"Thủ tục {short_name}", short_name=short_name,
        also_called=details.get("also_called", []), sector=sector,
        tier=details.get("tier", "commune"), service_level=details.get("level", 3),
        decision=details.get("decision", ""), origin=details.get("origin", "office"),
        online="full", filing_place="portal", digest="", audience=details.get("audience", []),
        definition={"result": {"name": details.get("result", "")}},
    )  # fmt: skip
    for number in details.get("laws", []):
        LegalBasis.objects.create(revision=revision, number=number, title="Văn bản")
    for key, paper in enumerate(details.get("papers", [])):
        RequiredDocument.objects.create(
            revision=revision, key=str(key), name=paper, how=RequiredDocument.How.SUBMIT
        )
    for event in details.get("life_events", []):
        revision.life_events.create(slug=f"su-kien-{LifeEvent.objects.count()}", name=event)
    return publish(procedure, revision)


def publish(procedure: Procedure, revision: Revision) -> Procedure:
    Revision.objects.filter(pk=revision.pk).update(status=Revision.Status.PUBLISHED)
    procedure.current = revision
    procedure.save()
    search.touch_catalogue()
    return procedure


@pytest.fixture
def catalogue() -> None:
    make_procedure(
        "1.001193", "Đăng ký khai sinh",
        also_called=["làm giấy khai sinh", "khai sinh cho em bé mới đẻ"],
        laws=["60/2014/QH13", "123/2015/NĐ-CP"], papers=["Giấy chứng sinh"],
        life_events=["Có con nhỏ"], result="Giấy khai sinh",
    )  # fmt: skip
    make_procedure("1.000656", "Đăng ký khai tử", papers=["Giấy báo tử"], result="Trích lục")
    make_procedure("1.004884", "Đăng ký lại khai sinh", papers=["Bản sao sổ hộ khẩu"])
    make_procedure("1.000894", "Đăng ký kết hôn", life_events=["Hôn nhân"])
    make_procedure("2.000635", "Cấp bản sao trích lục hộ tịch")
    make_procedure(
        "2.000815", "Chứng thực bản sao từ bản chính", sector="Chứng thực",
        laws=["Nghị định 23/2015/NĐ-CP"],
    )  # fmt: skip
    make_procedure("1.001612", "Đăng ký thành lập hộ kinh doanh", sector="Doanh nghiệp")
    make_procedure("1.013225", "Cấp giấy phép xây dựng nhà ở riêng lẻ", sector="Xây dựng")
    make_procedure("1.012812", "Hòa giải tranh chấp đất đai", sector="Đất đai")


def found(query: str, limit: int = 20) -> list[str]:
    """The codes of what is found, best first."""
    codes = dict(Procedure.objects.values_list("pk", "code"))
    return [codes[pk] for pk in search.search(query, limit)]


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("Đăng ký khai sinh", "1.001193"),
        ("dang ky khai sinh", "1.001193"),
        ("ĐĂNG KÝ KHAI SINH", "1.001193"),
        (unicodedata.normalize("NFD", "Đăng ký khai sinh"), "1.001193"),
        ("thủ tục đăng ký khai sinh cho con", "1.001193"),
        ("giay khai sih", "1.001193"),
        ("dang ki khai sinh", "1.001193"),
        ("đăng ký khia sinh", "1.001193"),
        ("khai sinh lại", "1.004884"),
        ("khai tử", "1.000656"),
        ("ket hon", "1.000894"),
        ("1.001193", "1.001193"),
        ("mã thủ tục 1.001193?", "1.001193"),
        ("60/2014/QH13", "1.001193"),
        ("nghị định 123/2015", "1.001193"),
        ("23/2015/nd-cp", "2.000815"),
        ("giấy chứng sinh", "1.001193"),
        ("giấy báo tử", "1.000656"),
        ("có con nhỏ", "1.001193"),
        ("hoà giải", "1.012812"),
        ("lĩnh vực xây dựng", "1.013225"),
        ("khai-sinh", "1.001193"),
    ],
)
def test_what_people_type_finds_the_procedure_first(query, code):
    assert found(query)[0] == code


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("lấy vợ", "1.000894"),
        ("sao y công chứng", "2.000815"),
        ("mo quan ca phe", "1.001612"),
        ("tôi muốn xây nhà", "1.013225"),
        ("bố tôi qua đời", "1.000656"),
    ],
)
def test_everyday_words_find_the_procedure_first(query, code):
    assert found(query)[0] == code


def test_exact_accents_come_first():
    make_procedure("9.000001", "Cấp bàn ghế")
    make_procedure("9.000002", "Cấp bản đồ")
    make_procedure("9.000003", "Cấp bán lẻ")

    assert found("bản")[0] == "9.000002"
    assert found("bán")[0] == "9.000003"
    assert sorted(found("ban")) == ["9.000001", "9.000002", "9.000003"]


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    "query",
    [
        "", "   ", '"', "(", ")", "+", "-", ":", "*", '"( + - :*', "AND", "NOT OR AND",
        "name:x", "*:*", "[a TO b]", "~2^3", "\\", "'", "\x00", "\ud800", "\u202e", "🙂",
        "đ" * 9999, "khai " * 999, "/" * 500, "1." * 200, "%_", "a/b/c/1", "٣", "ﬁ",
    ],
)  # fmt: skip
def test_signs_and_operators_never_raise(query):
    assert isinstance(search.search(query), list)


@pytest.mark.usefixtures("catalogue")
def test_signs_around_words_mean_nothing():
    assert found('"khai sinh" (+ - :*')[0] == "1.001193"
    assert found("khai:sinh*")[0] == "1.001193"


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(query=st.text(max_size=60))
def test_no_text_at_all_raises(catalogue, query):
    assert isinstance(search.search(query), list)


@pytest.mark.usefixtures("catalogue")
def test_what_nobody_offers_is_not_found():
    assert found("xyzzy plugh") == []


@pytest.mark.usefixtures("catalogue")
def test_no_more_is_found_than_asked_for():
    assert len(found("đăng ký", limit=2)) == 2
    assert found("đăng ký", limit=0) == []


def test_before_anything_is_published_nothing_is_found():
    assert search.search("khai sinh") == []


@pytest.mark.usefixtures("catalogue")
def test_a_new_publication_is_found_at_once():
    before = found("nuôi con nuôi")

    make_procedure("2.001263", "Đăng ký việc nuôi con nuôi trong nước")

    assert before[:1] != ["2.001263"]
    assert found("nuôi con nuôi")[0] == "2.001263"


def test_a_draft_is_not_found():
    make_procedure("1.000656", "Đăng ký khai tử")
    draft = Procedure.objects.create(code="1.001193", slug="khai-sinh")
    Revision.objects.create(
        procedure=draft, number=1, name="Đăng ký khai sinh", short_name="Đăng ký khai sinh",
        sector=Sector.objects.get(), tier="commune", service_level=1, online="none",
        filing_place="portal", digest="", definition={},
    )  # fmt: skip
    search.touch_catalogue()

    assert "1.001193" not in found("đăng ký khai sinh")


@pytest.mark.usefixtures("catalogue")
def test_a_publication_that_is_rolled_back_leaves_nothing():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        make_procedure("2.001263", "Đăng ký việc nuôi con nuôi trong nước")
        assert found("nuôi con nuôi")[0] == "2.001263"
        raise ZeroDivisionError

    assert "2.001263" not in found("nuôi con nuôi")
    assert found("khai sinh")[0] == "1.001193"


@pytest.mark.usefixtures("catalogue")
def test_old_indexes_are_cleared_away(search_dir):
    found("khai sinh")
    search.touch_catalogue()

    found("khai sinh")

    [folder] = search_dir.iterdir()
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 1


@pytest.mark.usefixtures("catalogue")
def test_a_search_asks_the_database_one_thing(django_assert_num_queries):
    found("khai sinh")

    with django_assert_num_queries(1):
        search.search("khai sinh")


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("damaged", ["meta.json", "*.idx", "*.term", "*.store", "*"])
def test_a_damaged_index_is_built_again(search_dir, damaged):
    found("khai sinh")
    indexing._opened.clear()
    for path in [path for path in search_dir.rglob(damaged) if path.is_file()]:
        path.unlink()
        path.write_bytes(b"")

    assert found("khai sinh")[0] == "1.001193"


@pytest.mark.usefixtures("catalogue")
def test_the_command_builds_the_index_and_counts(capsys):
    call_command("rebuildsearch")

    assert "9" in capsys.readouterr().out
    assert found("khai sinh")[0] == "1.001193"


def test_the_command_works_on_an_empty_catalogue(capsys):
    call_command("rebuildsearch")

    assert search.search("khai sinh") == []


def _hold_lock(folder: Path, held, release) -> None:
    with machinefolder.locked(folder):
        held.set()
        release.wait(10)


@pytest.mark.usefixtures("catalogue")
def test_while_another_process_builds_the_older_index_serves():
    found("khai sinh")
    search.touch_catalogue()
    context = multiprocessing.get_context("fork")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold_lock, args=(indexing._folder(), held, release))
    other.start()
    assert held.wait(10)

    meanwhile = found("khai sinh")
    release.set()
    other.join()

    assert meanwhile[0] == "1.001193"
    assert found("khai sinh")[0] == "1.001193"


@pytest.mark.usefixtures("catalogue")
def test_a_changed_file_of_everyday_words_is_read_at_once(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    (tmp_path / "fixtures").mkdir()
    file = tmp_path / "fixtures" / "synonyms.yaml"
    without = found("vui vẻ")

    file.write_text("phrases: [{everyday: [vui vẻ], means: [đăng ký kết hôn]}]", encoding="utf-8")

    assert without == []
    assert found("vui vẻ")[0] == "1.000894"


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("broken", ["phrases: [", "{}", "phrases: [{means: [x]}]", "- a", "\x00"])
def test_a_broken_file_of_everyday_words_leaves_the_last_good_one_in_use(
    settings, tmp_path, caplog, broken
):
    settings.BASE_DIR = tmp_path
    (tmp_path / "fixtures").mkdir()
    file = tmp_path / "fixtures" / "synonyms.yaml"
    good = "phrases: [{everyday: [vui vẻ], means: [đăng ký kết hôn]}]"
    file.write_text(good, encoding="utf-8")
    assert found("vui vẻ")[0] == "1.000894"

    file.write_text(broken, encoding="utf-8")

    assert found("vui vẻ")[0] == "1.000894"
    assert "synonyms.yaml" in caplog.text


@pytest.mark.usefixtures("catalogue")
def test_staff_can_say_by_code_what_an_everyday_phrase_means(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "synonyms.yaml").write_text(
        "groups: {ai: [bọ, mạ]}\nphrases: [{everyday: ['<ai> đi xa'], codes: ['1.000656']}]",
        encoding="utf-8",
    )

    assert found("mạ tui đi xa") == ["1.000656"]
    assert found("mã tui đi xa") == []


def test_every_everyday_entry_can_be_read():
    phrases = [row for rows in wording._everyday().phrases.values() for row in rows]

    assert len(phrases) >= 500
    assert all(row.words and (row.means or row.codes) for row in phrases)


def test_an_everyday_phrase_may_have_other_words_in_between():
    said = wording.words_of("mất cái thẻ căn cước")

    assert "căn cước" in " ".join(row.said for row in wording.meanings(said))


@pytest.mark.parametrize(
    ("query", "kept"), [("hoà giải", "hòa giải"), ("đăng kí", "đăng ký"), ("mĩ thuật", "mỹ thuật")]
)
def test_two_spellings_of_a_word_are_one(query, kept):
    assert [word.accented for word in wording.words_of(query)] == [
        word.accented for word in wording.words_of(kept)
    ]


# --- No noise -------------------------------------------------------------------------


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    "query",
    [
        "mua trực thăng", "giấy phép lái xe", "cấp giấy phép bán rượu", "đăng ký tên miền",
        "vé tàu hỏa", "cấp lại", "abc", "hộ chiếu", "thuê nhà trọ giá rẻ", "xin việc làm",
    ],
)  # fmt: skip
def test_in_a_small_catalogue_what_is_not_there_finds_nothing(query):
    assert found(query) == []


# --- What goes first ------------------------------------------------------------------


def test_the_commune_goes_before_the_province_and_the_ministry():
    for code, tier in (("9.000001", "ministry"), ("9.000002", "province"), ("9.000003", "commune")):
        make_procedure(code, "Cấp bản đồ", tier=tier)

    assert found("bản đồ") == ["9.000003", "9.000002", "9.000001"]


def test_what_another_province_made_for_itself_goes_last():
    make_procedure("9.000001", "Cấp bản đồ", decision="12/QĐ-UBND", origin="national")
    make_procedure("9.000002", "Cấp bản đồ", decision="12/QĐ-BTP", origin="national")

    assert found("bản đồ") == ["9.000002", "9.000001"]


def test_what_is_filed_here_goes_before_what_is_only_read():
    make_procedure("9.000001", "Cấp bản đồ", level=1)
    make_procedure("9.000002", "Cấp bản đồ", level=3)

    assert found("bản đồ") == ["9.000002", "9.000001"]


def test_what_people_file_more_goes_first():
    make_procedure("9.000001", "Cấp bản đồ")
    make_procedure("9.000002", "Cấp bản đồ")
    first, second = entries()

    assert weight_of(replace(second, filed=20)) > weight_of(first)


def test_the_dossiers_that_were_filed_are_counted():
    dossier = factories.filed()

    filed = {entry.code: entry.filed for entry in entries()}

    assert filed[dossier.revision.procedure.code] == 1
