"""The examples, and the programs on the pages of the documentation, run as their readers run them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.event_listeners import eventually
from support.example_world import PATIENCE_SECONDS, WEIGHTS, Ended, ExampleWorld, a_model, example_world
from support.pages import CLIENT, CLIENT_PAGES, EXAMPLES, label, program_of

EXAMPLE = CLIENT / "examples"
URL = "https://host/Deliberate.ckpt"
SAID = {
    "read.py": """\
RealESRGAN_x4plus: {weights_url}
RealESRGAN_x4plus_anime_6B: None
what RealESRGAN_x4plus_anime_6B is
""",
    "query.py": """\
Deliberate is a stable_diffusion_1 model of version 2
AlbedoBase XL (SDXL): 7000000000 bytes
Small XL: 6000000000 bytes
stable_diffusion_1: 1
stable_diffusion_xl: 3
""",
    "async_worker.py": """\
warm: True, 1 clip models
Deliberate: stable_diffusion_1
AlbedoBase XL (SDXL): stable_diffusion_xl
no such model: unknown
""",
    "offline_child.py": f"Deliberate: {URL}\n",
}
"""What the examples print that need nothing else; the others have tests of their own."""

TESTED_ALONE = {"provider.py", "download.py", "listener.py"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ExampleWorld]:
    async with example_world(tmp_path) as world:
        yield world


def weights_url(world: ExampleWorld) -> str:
    url: str = world.primary.pasts[0]["esrgan"]["RealESRGAN_x4plus"]["config"]["download"][0]["file_url"]
    return url


def test_every_example_is_run() -> None:
    assert {path.name for path in EXAMPLES} == SAID.keys() | TESTED_ALONE


@pytest.mark.parametrize("name", SAID)
async def test_example_says_what_it_should(name: str, world: ExampleWorld) -> None:
    said = SAID[name].replace("{weights_url}", weights_url(world))

    assert await world.ran(EXAMPLE / name) == Ended(0, said, "")


async def test_example_reads_one_category_with_one_request(world: ExampleWorld) -> None:
    await world.ran(EXAMPLE / "read.py")

    assert world.primary.asked == ["esrgan"]


async def test_parent_loads_once_and_the_child_not_at_all(world: ExampleWorld) -> None:
    await world.ran(EXAMPLE / "offline_child.py")

    copy = world.folder / "models" / "horde_model_reference" / "stable_diffusion.json"
    assert await asyncio.to_thread(copy.is_file)
    assert world.primary.asked.count("image_generation") + world.primary.asked.count("bundle") == 1


async def test_provider_adds_records_and_overrides_others(world: ExampleWorld) -> None:
    loras = world.folder / "loras"
    loras.mkdir()
    for name in ("sketch", "anime"):
        (loras / f"{name}.safetensors").touch()

    assert await world.ran(EXAMPLE / "provider.py", str(loras)) == Ended(
        0,
        "LoRAs: anime, sketch\n"
        "Deliberate of mine: with our own settings\n"
        "more than one source has: {'Deliberate': ['mine', 'horde']}\n",
        "",
    )


async def test_download_puts_the_files_in_their_places(world: ExampleWorld) -> None:
    ended = await world.ran(EXAMPLE / "download.py", "RealESRGAN_x4plus", "weights")

    place = Path("weights", "esrgan", "RealESRGAN_x4plus.pth")
    assert (ended.status, ended.output) == (0, f"{place}\n")
    assert ended.errors.endswith(f"\r{len(WEIGHTS)} of {len(WEIGHTS)} bytes")
    assert await asyncio.to_thread((world.folder / place).read_bytes) == WEIGHTS


async def test_listener_hears_of_a_change(world: ExampleWorld) -> None:
    process = await world.started(EXAMPLE / "listener.py")
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert (await process.stdout.readline()).strip() == b"listening"
        await eventually(lambda: world.primary.listeners == 1)
        world.primary.commit({"clip": {name: a_model("clip", name) for name in ("ViT-L/14", "new")}})
        assert (await process.stdout.readline()).strip() == b"clip changed: ViT-L/14, new"
        rest = await process.communicate(b"")
    assert (process.returncode, rest) == (0, (b"", b""))


@pytest.mark.parametrize("page", CLIENT_PAGES, ids=label)
async def test_programs_on_a_page_run(page: Path, world: ExampleWorld) -> None:
    program = world.folder / "program.py"
    program.write_text(program_of(page), encoding="utf-8")

    ended = await world.ran(program)
    assert (ended.status, ended.errors) == (0, "")
