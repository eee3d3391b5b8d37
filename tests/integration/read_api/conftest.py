import pytest

from horde_model_reference.meta_consts import CanonicalFormat
from read_api.holder import PageHolder
from registry.content import CatalogueContent
from support.contents import a_content, a_record
from support.read_clients import AiohttpClient, Client, Serve, application_over
from support.revision_sources import ScriptedSource


@pytest.fixture
def serve(aiohttp_client: AiohttpClient) -> Serve:
    """Serve a revision, or an empty journal (None)."""

    async def start(
        content: CatalogueContent | None,
        canonical_format: CanonicalFormat = CanonicalFormat.v2,
        source: ScriptedSource | None = None,
    ) -> Client:
        holder = PageHolder()
        if source is not None:
            holder.attach(source)
        await holder.publish(content)
        return await aiohttp_client(application_over(holder, canonical_format))

    return start


@pytest.fixture
async def client(serve: Serve) -> Client:
    """Serve a small catalogue."""
    clip = {name: a_record("clip", name) for name in ("ViT-L/14", "plain", "🜁 emoji", 'q"uote', "a..b")}
    images = {
        f"image {n}": a_record("image_generation", f"image {n}", description="word " * 400) for n in range(5)
    }
    text = {"acrastt/Marx-3B-V3": a_record("text_generation", "acrastt/Marx-3B-V3", text_model_group="Marx")}
    legacy = b'{\r\n\t"ViT-L/14": {"name": "ViT-L/14"}\r\n}\r\n'
    content = a_content(
        {"clip": clip, "image_generation": images, "text_generation": text},
        revision=3,
        legacy={"clip": legacy, "text_generation": b'{"acrastt/Marx-3B-V3": {"name": "acrastt/Marx-3B-V3"}}'},
    )
    return await serve(content)
