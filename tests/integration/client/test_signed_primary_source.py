"""A core that takes only what is signed, against a PRIMARY that a test scripts and that signs."""

import asyncio
import base64
import hashlib
import json
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support.replica_cores import BEHIND_SECONDS, a_core, descriptions
from support.scripted_primary import ScriptedPrimary, a_blip, two_categories

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
KEY_ID = hashlib.sha256(KEY.public_key().public_bytes_raw()).hexdigest()[:16]


class SigningPrimary(ScriptedPrimary):
    """Answers for the entries of its journal, too."""

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        *path, last = request.path.split("/")
        if last == "entry":
            self.asked.append("entry")
            return web.Response(body=self._entry(int(path[-1])), content_type="application/json")
        return await super()._answer(request)

    def _entry(self, revision: int) -> bytes:
        documents = {name: json.dumps(value).encode() for name, value in self.pasts[revision - 1].items()}
        blobs = {name: {"v2": hashlib.sha256(body).hexdigest()} for name, body in documents.items()}
        content = json.dumps({"catalogue": {"revision": revision, "categories": blobs}}).encode()
        value = base64.b64encode(KEY.sign(content)).decode()
        return content[:-1] + f',"signature":{{"key_id":"{KEY_ID}","value":"{value}"}}}}'.encode()


async def test_a_revision_is_vouched_for_once_for_all_its_documents(tmp_path: Path) -> None:
    async with (
        SigningPrimary(two_categories()).running() as primary,
        a_core(primary.url, tmp_path, public_key=PUBLIC_KEY) as core,
    ):
        await core.obtain(["clip", "blip"])
        assert descriptions(core, "clip") == {"a": "one", "b": "one"}
        assert descriptions(core, "blip") == {"c": "one"}
        assert sorted(primary.asked) == ["blip", "clip", "entry"]


async def test_what_did_not_change_is_vouched_for_at_the_new_revision(tmp_path: Path) -> None:
    primary = SigningPrimary(two_categories())
    async with primary.running(), a_core(primary.url, tmp_path, public_key=PUBLIC_KEY) as core:
        await core.obtain(["clip", "blip"])
        primary.commit({"blip": {"c": a_blip("c", "two")}})
        primary.asked.clear()
        await core.obtain(["clip"], force=True)
        assert core.catalogue.revision == 2
        assert descriptions(core, "blip") == {"c": "two"}
        assert primary.asked.count("entry") == 1
        assert "changes" not in primary.asked


async def test_a_copy_that_was_made_from_differences_is_replaced_by_the_signed_document(
    tmp_path: Path,
) -> None:
    primary = SigningPrimary(two_categories())
    async with primary.running():
        async with a_core(primary.url, tmp_path) as trusting:
            await trusting.obtain(["clip"])
            primary.commit(two_categories("two"))
            await trusting.obtain(["clip"], force=True)
        primary.asked.clear()
        async with a_core(primary.url, tmp_path, public_key=PUBLIC_KEY) as core:
            await core.obtain(["clip"])
            assert descriptions(core, "clip")["a"] == "two"
            assert sorted(primary.asked) == ["clip", "entry"]


async def test_a_signed_journal_that_was_begun_anew_is_followed_after_a_while(tmp_path: Path) -> None:
    primary = SigningPrimary(two_categories("one"))
    async with primary.running(), a_core(primary.url, tmp_path, public_key=PUBLIC_KEY) as core:
        primary.commit(two_categories("two"))
        await core.obtain(["clip", "blip"])
        primary.pasts = [two_categories("new")]
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip")["a"] == "two"
        await asyncio.sleep(BEHIND_SECONDS + 0.05)
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip")["a"] == "new"
        assert descriptions(core, "blip") == {"c": "new"}
        assert core.catalogue.revision == 1


async def test_another_program_starts_with_a_signed_journal_that_was_begun_anew(tmp_path: Path) -> None:
    primary = SigningPrimary(two_categories("one"))
    async with primary.running():
        primary.commit(two_categories("two"))
        async with a_core(primary.url, tmp_path, public_key=PUBLIC_KEY) as core:
            await core.obtain(["clip"])
        primary.pasts = [two_categories("new")]
        async with a_core(primary.url, tmp_path, public_key=PUBLIC_KEY) as core:
            await core.obtain(["clip"])
            assert descriptions(core, "clip")["a"] == "two"
            await asyncio.sleep(BEHIND_SECONDS + 0.05)
            await core.obtain(["clip"], force=True)
            assert descriptions(core, "clip")["a"] == "new"


async def test_the_same_number_in_a_journal_begun_anew_is_believed_with_its_new_entry(
    tmp_path: Path,
) -> None:
    primary = SigningPrimary(two_categories("one"))
    async with primary.running(), a_core(primary.url, tmp_path, public_key=PUBLIC_KEY) as core:
        await core.obtain(["clip"])
        primary.pasts = [two_categories("new")]
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip")["a"] == "one", "the entry at hand does not vouch for it"
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip")["a"] == "new"
