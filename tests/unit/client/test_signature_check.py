"""Signed entries, made by the registry's own signer."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.replica.errors import SourceUnusable
from horde_model_reference.replica.signature_check import SignedCatalogue, verify
from registry.bodies import Hidden, Seeded
from registry.catalogue import CatalogueRef, CategoryBlobs
from registry.draft import Draft
from registry.entries import EntryBody, render_entry
from registry.entry_signature import signed
from registry.signatures import Signer
from registry.state import State
from support.signing import a_signer, made_entry

CLIP, BLIP = "ab" * 32, "cd" * 32
REVISION = CatalogueRef(
    revision=7,
    categories={"clip": CategoryBlobs(v2=CLIP, legacy="ef" * 32), "blip": CategoryBlobs(v2=BLIP)},
    side_data="01" * 32,
)
SIGNER = a_signer()


def an_entry(signer: Signer | None = SIGNER, catalogue: CatalogueRef | None = REVISION) -> bytes:
    body: EntryBody = Seeded(source="ä", categories={}, touched=()) if catalogue else Hidden(change_ids=(1,))
    kind = "seeded" if catalogue else "hidden"
    entry = made_entry(Draft(actor="seed", kind=kind, body=body, catalogue=catalogue), State())
    return render_entry(signed(entry, signer) if signer else entry)


def key_of(signer: Signer) -> str:
    return signer.public_key.public_key


ENTRY = an_entry()


def test_a_signed_entry_tells_the_revision_and_the_hashes_of_the_documents() -> None:
    assert verify(ENTRY, key_of(SIGNER)) == SignedCatalogue(
        7, {"clip": CLIP, "blip": BLIP}, {"clip": "ef" * 32}
    )


def test_a_final_newline_that_got_lost_on_the_way_makes_the_signature_wrong() -> None:
    with pytest.raises(SourceUnusable, match="wrong"):
        verify(ENTRY.rstrip(b"\n"), key_of(SIGNER))


def test_an_entry_of_another_signer_is_refused() -> None:
    with pytest.raises(SourceUnusable, match="another key"):
        verify(ENTRY, key_of(a_signer()))


def test_an_entry_without_signature_is_refused() -> None:
    with pytest.raises(SourceUnusable, match="not signed"):
        verify(an_entry(signer=None), key_of(SIGNER))


@given(st.integers(0, len(ENTRY) - 1), st.integers(1, 255))
def test_no_byte_of_an_entry_can_be_changed(position: int, change: int) -> None:
    changed = bytearray(ENTRY)
    changed[position] ^= change
    with pytest.raises(SourceUnusable):
        verify(bytes(changed), key_of(SIGNER))


def test_the_signature_has_one_spelling() -> None:
    end = ENTRY.index(b'=="}')
    signs = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for other in (signs[signs.index(ENTRY[end - 1]) ^ bits] for bits in range(1, 16)):
        with pytest.raises(SourceUnusable, match="wrong"):
            verify(ENTRY[: end - 1] + bytes([other]) + ENTRY[end:], key_of(SIGNER))


@given(st.binary(max_size=300))
def test_nothing_else_is_taken_for_signed(entry: bytes) -> None:
    with pytest.raises(SourceUnusable):
        verify(entry, key_of(SIGNER))


def test_a_signature_of_something_that_makes_no_revision_is_refused() -> None:
    content = b'{"kind":"hidden"}\n'
    member = b',"signature":{"key_id":"%b","value":"%b"}' % (
        SIGNER.key_id.encode(),
        SIGNER.sign(content).encode(),
    )
    with pytest.raises(SourceUnusable, match="not that of a revision"):
        verify(content[:-2] + member + b"}\n", key_of(SIGNER))


def write_key(path: Path, how: str) -> None:
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key_of(SIGNER)))
    contents = {
        "base64": key_of(SIGNER).encode() + b"\n",
        "json": SIGNER.public_key.model_dump_json().encode(),
        "pem": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    }
    path.write_bytes(contents[how])


@pytest.mark.parametrize("how", ["base64", "json", "pem"])
def test_the_key_may_be_in_a_file(tmp_path: Path, how: str) -> None:
    path = tmp_path / "key"
    write_key(path, how)
    assert verify(ENTRY, str(path)).revision == 7


ELLIPTIC = (
    generate_private_key(SECP256R1())
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        base64.b64encode(bytes(31)),
        b"{",
        json.dumps({"public_key": 7}).encode(),
        b"-----BEGIN PUBLIC KEY-----\nxxxx\n-----END PUBLIC KEY-----",
        ELLIPTIC,
    ],
)
def test_a_file_without_a_key_is_told_without_its_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match="signing key") as caught:
        verify(ENTRY, str(path))
    assert "not a key" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "/no/such/file", "\0", base64.b64encode(bytes(33)).decode()])
def test_what_is_no_key_at_all_is_told(key: str) -> None:
    with pytest.raises(RuntimeError, match="signing key"):
        verify(ENTRY, key)
