"""An AI-Horde beside the stack: it knows the keys of the editors, and has figures of every model."""

import contextlib
import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from aiohttp.test_utils import TestServer

from support.some_figures import SomeFigures
from support.some_horde import SomeHorde
from support.write_clients import a_horde

MOST_USES: Final = 100_000


@contextlib.asynccontextmanager
async def serving_horde(seed_dir: Path) -> AsyncIterator[str]:
    """Serve it for the models of a folder with the legacy files; yield its address."""
    figures, horde = SomeFigures(), a_horde()
    images = json.loads((seed_dir / "image" / "stable_diffusion.json").read_text(encoding="utf-8"))
    with (seed_dir / "text" / "models.csv").open(newline="", encoding="utf-8") as source:
        texts = [row["name"] for row in csv.DictReader(source)]
    for kind, names in (("image", list(images)), ("text", texts)):
        for rank, name in enumerate(names, start=1):
            figures.serve(kind, name, threads=1 + 40 // rank)
            figures.use(kind, name, MOST_USES // rank)
    _know_users(figures, horde)
    async with TestServer(figures.application) as server:
        yield str(server.make_url("/api/"))


def _know_users(figures: SomeFigures, horde: SomeHorde) -> None:
    for route in horde.application.router.routes():
        if route.method == "GET":
            figures.application.router.add_get("/api/v2/find_user", route.handler)
