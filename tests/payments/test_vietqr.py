"""VietQR payloads against NAPAS's examples, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.gateways import vietqr
from payments.gateways.vietqr import BadPayload, Transfer
from procedures.loading.offices import ListError, load_offices
from procedures.models import Agency
from tests import factories

# DOMAIN.md 4.2, byte for byte.
VECTORS = {
    "00020101021238530010A0000007270123000697041601092576788590208QRIBFTTA"
    "5303704540410005802VN62150811Chuyen tien6304BBB8": Transfer(
        "970416", "257678859", 1000, "Chuyen tien"
    ),
    "00020101021138570010A00000072701270006970403011300110123456780208QRIBFTTA"
    "53037045802VN63049E6F": Transfer("970403", "0011012345678", is_dynamic=False),
    "00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA"
    "530370454061800005802VN62340107NPS68690819thanh toan don hang63042E2E": Transfer(
        "970403",
        "0011012345678",
        180_000,
        "thanh toan don hang",
        bill="NPS6869",
    ),
    "00020101021138600010A00000072701300006970403011697040311012345670208QRIBFTTC"
    "53037045802VN63044F52": Transfer("970403", "9704031101234567", is_dynamic=False, to_card=True),
}
FIRST = next(iter(VECTORS))


def test_the_checksum_is_that_of_its_published_example():
    assert vietqr.crc("123456789") == "29B1"


@pytest.mark.parametrize(("payload", "transfer"), VECTORS.items())
def test_the_known_codes_are_written_and_read_byte_for_byte(payload, transfer):
    assert vietqr.encode(transfer) == payload
    assert vietqr.decode(payload) == transfer


@given(
    st.builds(
        Transfer,
        bin=st.from_regex(r"[0-9]{6}", fullmatch=True),
        account=st.from_regex(r"[A-Za-z0-9]{1,19}", fullmatch=True),
        amount=st.none() | st.integers(1, 10**13 - 1),
        purpose=st.from_regex(r"[A-Za-z0-9 .\-]{0,25}", fullmatch=True),
        bill=st.from_regex(r"[A-Za-z0-9]{0,25}", fullmatch=True),
        is_dynamic=st.booleans(),
        to_card=st.booleans(),
    )
)
def test_what_is_written_is_read_back(transfer):
    assert vietqr.decode(vietqr.encode(transfer)) == transfer


def test_a_qr_payload_with_diacritics_is_refused():
    with pytest.raises(BadPayload, match="không được có dấu"):
        vietqr.encode(Transfer("970405", "123", 1000, "Lệ phí hộ tịch"))
    with pytest.raises(BadPayload, match="không phải nội dung"):
        vietqr.decode(FIRST.replace("Chuyen", "Chuyển"))


def test_a_qr_payload_of_200_characters_is_refused():
    with pytest.raises(BadPayload, match="25 ký tự"):
        vietqr.encode(Transfer("970405", "123", 1000, "A" * 200))
    with pytest.raises(BadPayload):
        vietqr.decode("0" * 200)


def test_words_are_folded_for_banks():
    assert vietqr.plain("Đường  Lê-Lợi, số 5") == "DUONG LE LOI SO 5"


@pytest.mark.parametrize(
    "transfer",
    [
        Transfer("97040", "123"),
        Transfer("97040A", "123"),
        Transfer("970405", ""),
        Transfer("970405", "1" * 20),
        Transfer("970405", "12-3"),
        Transfer("970405", "123", 0),
        Transfer("970405", "123", -5),
        Transfer("970405", "123", 10**13),
        Transfer("970405", "123", purpose="hai\ndòng"),
    ],
)
def test_what_a_code_cannot_carry_is_refused_with_a_sentence(transfer):
    with pytest.raises(BadPayload, match=r"mã QR.*\."):
        vietqr.encode(transfer)


def checked(body):
    return f"{body}6304{vietqr.crc(f'{body}6304')}"


@pytest.mark.parametrize(
    "payload",
    [
        "",
        FIRST[:-1],
        FIRST.replace("54041000", "54049000"),
        FIRST[:-4] + FIRST[-4:].lower(),
        checked("0002010102"),
        checked("000201000201"),
        checked("0002XX01"),
        checked(FIRST[:-8].replace("5303704", "5303840")),
        checked(FIRST[:-8].replace("A000000727", "A000000728")),
        checked(FIRST[:-8].replace("54041000", "5404-100")),
        checked(FIRST[:-8].replace("38530010", "38530011")),
    ],
)
def test_a_code_that_was_changed_or_is_none_is_refused(payload):
    with pytest.raises(BadPayload):
        vietqr.decode(payload)


@pytest.mark.django_db
def test_an_office_takes_transfers_on_its_own_account_or_on_that_of_the_office_above():
    factories.offices()
    desk = Agency.objects.get(code="000.01.40.H50")

    holder = vietqr.account_holder(desk)
    of_none = vietqr.account_holder(Agency.objects.get(code="000.00.63.H50"))

    assert holder.code == "000.00.40.H50"
    assert of_none is None
    assert holder.tax_code


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("account", "said"),
    [
        ("{bin: '12', bank: A, number: '1', name: B}", "6 chữ số"),
        ("{bin: '970405', bank: A, number: '12 34', name: B}", "1 đến 19"),
        ("{bin: '970405', number: '12'}", "bốn mục"),
    ],
)
def test_a_file_of_offices_with_a_wrong_account_is_refused_with_its_place(tmp_path, account, said):
    file = tmp_path / "co-quan.yaml"
    file.write_text(f"- code: A1\n  name: Xã A\n  tier: commune\n  bank_account: {account}\n")

    with pytest.raises(ListError, match=f"co-quan.yaml: A1: .*{said}"):
        load_offices(file)

    assert not Agency.objects.filter(code="A1").exists()
