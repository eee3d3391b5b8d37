"""A program that serves one slow route until it is told to stop: for tests of the runner."""

import asyncio
import sys
from collections.abc import AsyncIterator

from aiohttp import web

from service_kit.health import add_health_routes
from service_kit.logging_setup import configure_logging
from service_kit.runner import CannotListen, run_application
from service_kit.settings import ServiceSettings, SettingsInvalid, load_settings
from service_kit.telemetry import Telemetry
from service_kit.web import create_application


class SlowServiceSettings(ServiceSettings):
    start_seconds: float = 0.0
    answer_seconds: float = 0.0


def create(settings: SlowServiceSettings) -> web.Application:
    application = create_application(settings, Telemetry("slow"))

    async def context(_: web.Application) -> AsyncIterator[None]:
        say("starting")
        await asyncio.sleep(settings.start_seconds)
        yield
        say("closed")

    async def slow(_: web.Request) -> web.Response:
        say("asked")
        await asyncio.sleep(settings.answer_seconds)
        return web.Response(text="done")

    application.cleanup_ctx.append(context)
    application.router.add_get("/slow", slow)
    add_health_routes(application)
    return application


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> int:
    try:
        settings = load_settings(SlowServiceSettings)
        configure_logging("slow", settings.log_level)
        return run_application(create(settings), settings, on_listening=lambda address: say(f"at {address}"))
    except (SettingsInvalid, CannotListen) as error:
        say(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main())
