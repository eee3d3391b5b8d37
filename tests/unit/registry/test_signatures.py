"""Keys in files, and signatures of catalogue entries."""

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from registry.bodies import Proposed, ProposedChange
from registry.draft import Draft
from registry.entries import Entry, parse_entry, render_entry
from registry.entry_signature import PublicKey, signed, signed_bytes
from registry.errors import JournalError
from registry.kinds import BODY_TYPES
from registry.signatures import KeyUnusable, Signer, read_public_key, verify_signature
from registry.state import State
from support.journals import a_draft
from support.json_values import json_records
from support.signing import SOME_CATALOGUE, a_signer, made_entry

SIGNER = a_signer()
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW_KEY = KEY.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def pem(key: Ed25519PrivateKey | X25519PrivateKey, password: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def a_catalogue_entry() -> Entry:
    return made_entry(a_draft(SOME_CATALOGUE), State())


def a_signed_entry(signer: Signer = SIGNER) -> tuple[Entry, bytes]:
    entry = signed(a_catalogue_entry(), signer)
    return entry, render_entry(entry)


def is_valid(raw: bytes, key: PublicKey = SIGNER.public_key) -> bool:
    signature = parse_entry(raw, 1, BODY_TYPES).signature
    return signature is not None and verify_signature(raw, signature, key)


def test_signed_entry_is_valid_under_its_key() -> None:
    entry, raw = a_signed_entry()
    assert is_valid(raw)
    assert parse_entry(raw, 1, BODY_TYPES) == entry


def test_signed_bytes_are_those_of_the_entry_without_its_signature() -> None:
    entry, raw = a_signed_entry()
    assert signed_bytes(raw) == render_entry(entry.model_copy(update={"signature": None}))


def test_signature_can_be_checked_by_cutting_the_member_out() -> None:
    entry, raw = a_signed_entry()
    start = raw.rindex(b',"signature":')
    assert entry.signature is not None
    public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(SIGNER.public_key.public_key))
    public_key.verify(base64.b64decode(entry.signature.value), raw[:start] + b"}\n")


def test_entry_without_catalogue_is_not_signed() -> None:
    entry = made_entry(a_draft(), State())
    assert signed(entry, SIGNER) is entry


def test_entry_that_is_signed_again_carries_only_the_new_signature() -> None:
    entry, _ = a_signed_entry(a_signer())
    raw = render_entry(signed(entry, SIGNER))
    assert raw.count(b'"signature"') == 1
    assert is_valid(raw)


@given(st.data())
def test_any_other_byte_is_no_entry_or_no_valid_signature(data: st.DataObject) -> None:
    _, raw = a_signed_entry()
    place = data.draw(st.integers(0, len(raw) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
    try:
        assert not is_valid(raw[:place] + bytes([other]) + raw[place + 1 :])
    except JournalError:
        return  # it cannot even be read


def test_signature_in_another_writing_is_not_valid() -> None:
    entry, raw = a_signed_entry()
    assert entry.signature is not None
    value = entry.signature.value
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    sign = alphabet[alphabet.index(value[85]) + 1]  # its last four bits mean nothing
    other = f"{value[:85]}{sign}=="
    assert base64.b64decode(other) == base64.b64decode(value)
    assert not is_valid(raw.replace(value.encode(), other.encode()))


@given(json_records)
def test_what_an_entry_holds_cannot_pass_for_its_signature(payload: dict[str, object]) -> None:
    change = ProposedChange(
        category="clip",
        model_name='","signature":{"key_id":"',
        operation="create",
        form="v2",
        payload={**payload, "signature": {"key_id": "0" * 16, "value": "A" * 86 + "=="}},
        base_revision=1,
    )
    draft = Draft(actor="1", kind="proposed", body=Proposed(changes=(change,)), catalogue=SOME_CATALOGUE)
    entry = made_entry(draft, State())
    assert signed_bytes(render_entry(entry)) is None
    raw = render_entry(signed(entry, SIGNER))
    assert signed_bytes(raw) == render_entry(entry)
    assert is_valid(raw)


def test_signature_of_another_key_is_not_valid() -> None:
    _, raw = a_signed_entry(a_signer())
    assert not is_valid(raw)


def test_signature_that_borrows_the_name_of_a_key_is_not_valid() -> None:
    other = a_signer()
    _, raw = a_signed_entry(other)
    assert not is_valid(raw.replace(other.key_id.encode(), SIGNER.key_id.encode()))


def test_signature_moved_to_another_entry_is_not_valid() -> None:
    entry, _ = a_signed_entry()
    moved = entry.model_copy(update={"actor": "somebody else"})
    assert not is_valid(render_entry(moved))


@pytest.mark.parametrize(
    "content",
    [pem(KEY), base64.b64encode(RAW_KEY), base64.b64encode(RAW_KEY) + b"\n", b"\n" + pem(KEY) + b"\n"],
    ids=["pem", "base64", "base64 line", "pem with blank lines"],
)
def test_key_file_is_read_in_every_form(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    signer = Signer.from_file(path)
    KEY.public_key().verify(base64.b64decode(signer.sign(b"text")), b"text")
    assert signer.public_key == Signer(KEY).public_key


def test_key_file_made_by_openssl_is_read(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    command = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("no openssl that knows Ed25519")
    assert len(Signer.from_file(path).key_id) == 16


SECRET = base64.b64encode(RAW_KEY[:31])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "holds 0 bytes in base64, a key has 32"),
        (SECRET, "holds 31 bytes in base64, a key has 32"),
        (SECRET + b"!", "is neither PEM nor base64"),
        (b"\xff\x00" * 16, "is neither PEM nor base64"),
        (pem(KEY, b"password"), "is encrypted: a key without a password is needed"),
        (pem(X25519PrivateKey.generate()), "holds a private key, but not one of Ed25519"),
        (pem(KEY)[:60], "is PEM, but not a private key in PKCS #8"),
        (
            KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "is PEM, but not a private key in PKCS #8",
        ),
        (b"A" * 20_000, "is too large for a key"),
    ],
)
def test_unusable_key_file_is_refused_by_its_problem_and_without_its_content(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "signing.key"
    path.write_bytes(content)
    with pytest.raises(KeyUnusable) as raised:
        Signer.from_file(path)
    assert str(raised.value) == f"{path} {problem}"
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="nothing cannot be read: No such file"):
        Signer.from_file(tmp_path / "nothing")


def test_public_key_tells_algorithm_name_and_key() -> None:
    shown = Signer(KEY).public_key.model_dump()
    raw = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert shown == {
        "algorithm": "ed25519",
        "key_id": Signer(KEY).key_id,
        "public_key": base64.b64encode(raw).decode(),
    }


@pytest.mark.parametrize(
    "content",
    [
        Signer(KEY).public_key.model_dump_json().encode(),
        Signer(KEY).public_key.public_key.encode(),
        KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=["json", "base64", "pem"],
)
def test_public_key_is_read_in_every_form(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    assert read_public_key(path) == Signer(KEY).public_key


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{}", " is JSON, but not that of a public key"),
        (
            Signer(KEY).public_key.model_copy(update={"key_id": "0" * 16}).model_dump_json().encode(),
            f": the key is {Signer(KEY).key_id}, not what its key_id says",
        ),
        (
            b'{"algorithm":"ed25519","key_id":"0123456789abcdef","public_key":"AAAA"}',
            " holds 3 bytes in base64, a key has 32",
        ),
        (pem(KEY), " is PEM, but not a public key"),
        (
            X25519PrivateKey.generate()
            .public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            " holds a public key, but not one of Ed25519",
        ),
        (b"what?", " is neither PEM nor base64"),
    ],
)
def test_unusable_public_key_is_refused_by_its_problem(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "public.key"
    path.write_bytes(content)
    with pytest.raises(KeyUnusable) as raised:
        read_public_key(path)
    assert str(raised.value) == f"{path}{problem}"
