"""A PRIMARY with a few records, and programs of their own that read from it."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.file_hosts import a_body, file_host, sha256
from support.processes import clean_environment
from support.programs import FORK_WARNING
from support.scripted_primary import Documents, ScriptedPrimary

PATIENCE_SECONDS = 60
WEIGHTS = a_body(100_000)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and what it said."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class ExampleWorld:
    """`folder` is where programs run; GitHub does not exist here."""

    primary: ScriptedPrimary
    folder: Path

    async def ran(self, program: Path, *arguments: str) -> Ended:
        """Run a program to its end; warnings are errors in it."""
        process = await self.started(program, *arguments)
        async with asyncio.timeout(PATIENCE_SECONDS):
            output, errors = await process.communicate()
        return Ended(process.returncode or 0, _text(output), _text(errors))

    async def started(self, program: Path, *arguments: str) -> asyncio.subprocess.Process:
        """Start a program, to be spoken to over pipes."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-W", "error", "-W", FORK_WARNING, str(program), *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.folder,
            env=clean_environment(self._settings()),
        )

    def _settings(self) -> Mapping[str, str]:
        return {
            "AIWORKER_CACHE_HOME": str(self.folder / "models"),
            "HORDE_MODEL_REFERENCE_ENABLE_GITHUB_FALLBACK": "false",
            "HORDE_MODEL_REFERENCE_PRIMARY_API_URL": self.primary.url,
        }


@contextlib.asynccontextmanager
async def example_world(folder: Path) -> AsyncIterator[ExampleWorld]:
    """Run the PRIMARY, and a server of one file."""
    async with file_host() as host:
        documents = _documents(host.put(WEIGHTS, "/RealESRGAN_x4plus.pth"))
        async with ScriptedPrimary(documents).running() as primary:
            yield ExampleWorld(primary, folder)


def an_image(name: str, baseline: str, size_bytes: int, **more: object) -> dict[str, Any]:
    file = {"file_name": f"{name}.ckpt", "file_url": f"https://host/{name}.ckpt"}
    return {
        "name": name,
        "record_type": "image_generation",
        "description": f"what {name} is",
        "version": "2",
        "baseline": baseline,
        "nsfw": False,
        "inpainting": False,
        "size_on_disk_bytes": size_bytes,
        "config": {"download": [file]},
        **more,
    }


def a_model(category: str, name: str, **more: object) -> dict[str, Any]:
    return {"name": name, "record_type": category, "description": f"what {name} is", **more}


def _documents(weights_url: str) -> Documents:
    file = {"file_name": "RealESRGAN_x4plus.pth", "file_url": weights_url, "sha256sum": sha256(WEIGHTS)}
    images = (
        an_image("Deliberate", "stable_diffusion_1", 2 * 10**9),
        an_image("AlbedoBase XL (SDXL)", "stable_diffusion_xl", 7 * 10**9),
        an_image("Small XL", "stable_diffusion_xl", 6 * 10**9),
        an_image("Vast XL", "stable_diffusion_xl", 9 * 10**9),
        an_image("Other XL", "stable_diffusion_xl", 7 * 10**9, nsfw=True, inpainting=True),
    )
    return {
        "image_generation": {image["name"]: image for image in images},
        "clip": {"ViT-L/14": a_model("clip", "ViT-L/14")},
        "esrgan": {
            "RealESRGAN_x4plus": a_model("esrgan", "RealESRGAN_x4plus", config={"download": [file]}),
            "RealESRGAN_x4plus_anime_6B": a_model("esrgan", "RealESRGAN_x4plus_anime_6B"),
        },
    }


def _text(said: bytes) -> str:
    return said.decode().replace("\r\n", "\n")
