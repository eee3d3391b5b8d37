"""A replica that takes only what is signed, from a real service that signs."""

import base64
import json
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support.editors import an_editor, settings_for
from support.event_listeners import eventually
from support.replica_cores import a_core, descriptions

PUBLIC_KEY = base64.b64encode(
    Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key().public_bytes_raw()
).decode()
OTHER_KEY = base64.b64encode(
    Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
).decode()


async def test_signed_data_are_taken_and_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        an_editor(settings_for(tmp_path), monkeypatch) as editor,
        a_core(editor.url, tmp_path / "copies", public_key=PUBLIC_KEY, follow_feed=True) as core,
    ):
        await core.obtain(["clip", "image_generation", "text_generation", "blip", "lora"])
        before = descriptions(core, "clip")
        assert before
        assert descriptions(core, "text_generation")
        await editor.make_live("signed")
        await eventually(lambda: "signed" in descriptions(core, "clip"))
        assert descriptions(core, "clip").keys() == before.keys() | {"signed"}


async def test_another_key_vouches_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        an_editor(settings_for(tmp_path), monkeypatch) as editor,
        a_core(editor.url, tmp_path / "copies", public_key=OTHER_KEY) as core,
    ):
        await core.obtain(["clip"])
        assert core.catalogue.entries == {}
        assert not (tmp_path / "copies" / "clip.json").exists()


async def test_a_document_that_was_tampered_with_is_refused_and_the_good_one_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tampering = False

    async def pass_on(request: web.Request) -> web.Response:
        async with ClientSession() as session:
            headers = {name: item for name, item in request.headers.items() if name.startswith("X-")}
            async with session.get(editor.root_url + request.path_qs, headers=headers) as answer:
                body = await answer.read()
                if tampering and request.path.endswith("/clip"):
                    body = json.dumps({**json.loads(body), "evil": {"name": "evil"}}).encode()
                kept = {name: answer.headers[name] for name in ("X-Revision",) if name in answer.headers}
                return web.Response(body=body, status=answer.status, headers=kept)

    application = web.Application()
    application.router.add_get("/{path:.*}", pass_on)
    async with (
        an_editor(settings_for(tmp_path), monkeypatch) as editor,
        TestServer(application) as between,
        a_core(str(between.make_url("/api")), tmp_path / "copies", public_key=PUBLIC_KEY) as core,
    ):
        await core.obtain(["clip"])
        good = descriptions(core, "clip")
        assert good
        tampering = True
        await editor.make_live("new")
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip") == good
        tampering = False
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip").keys() == good.keys() | {"new"}
