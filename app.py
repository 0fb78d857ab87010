"""Starts the studio: flags, settings, the engine, the page."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Sequence

# Before Gradio is imported: it reads this then, and would otherwise call home.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Before torch is, here or in a worker: threads that wait for each other go on turning for milliseconds. On two cores
# with a browser beside them a layer then takes eleven times as long as alone; turning briefly, less than three times.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "5000")

import uvicorn
from fastapi import FastAPI

from studio import api, ui
from studio.catalog import Catalog, read_catalog
from studio.engine import Engine
from studio.engine.fake import FakeEngine
from studio.engine.local import LocalEngine
from studio.service import Studio
from studio.settings import Settings, read_settings
from studio.wire import Setup

log = logging.getLogger("studio")


def read_flags(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from flags and environment; a flag wins."""
    parser = argparse.ArgumentParser(description="Spellbook Studio: an image studio in the browser.")
    parser.add_argument("--host", help="address to listen on (STUDIO_HOST, 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (STUDIO_PORT, 7860)")
    parser.add_argument("--data", help="folder of pictures, jobs and settings (STUDIO_DATA, data)")
    parser.add_argument("--models", help="the catalog (STUDIO_MODELS, models.yaml)")
    parser.add_argument(
        "--devices", help="for example cuda:0,cuda:1 or cpu (STUDIO_DEVICES, the best there is)"
    )
    parser.add_argument(
        "--engine", choices=["local", "fake"], help="fake paints gradients, for work on the page"
    )
    return read_settings(**vars(parser.parse_args(arguments)))


def make_engine(settings: Settings, catalog: Catalog) -> Engine:
    """The engine that the settings name."""
    if settings.engine == "fake":
        return FakeEngine()
    devices = [name.strip() for name in settings.devices.split(",") if name.strip()] or ["auto"]
    setups = tuple(
        Setup(
            device=device,
            data=str(settings.data),
            memory_budget=int(settings.memory_budget * 2**30),
            memory_mode=settings.memory_mode,
            host_budget=int(settings.host_budget * 2**30 / len(devices)),
            idle_seconds=settings.idle_minutes * 60,
            turn_seconds=settings.training_turn_seconds,
        )
        for device in devices
    )
    return LocalEngine(setups, silence_seconds=settings.silence_seconds)


def make_app(settings: Settings) -> FastAPI:
    """The whole web side; its workers start with it and end with it."""
    catalog = read_catalog(settings.models)
    for problem in catalog.problems:
        log.error("%s", problem)
    studio = Studio(settings, catalog, make_engine(settings, catalog))

    @contextlib.asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        studio.start()
        yield
        studio.close()

    app = FastAPI(title="Spellbook Studio", docs_url=None, redoc_url=None, openapi_url=None, lifespan=life)
    app.state.studio = studio
    api.join(app, studio)
    return ui.mount(app, studio)


class Server(uvicorn.Server):
    """Says where the page is, once it is there."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Opens the port; where that cannot be, the process ends with the reason."""
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        log.info("Spellbook Studio is open at %s (Ctrl+C ends it)", address(self.config.host, port))


def address(host: str, port: int) -> str:
    """What to open on this machine; a studio that listens everywhere is here too."""
    name = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves the studio until it is stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = read_flags(arguments)
    config = uvicorn.Config(
        make_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        timeout_graceful_shutdown=3,  # a follower's open stream must not hold up the end
    )
    with contextlib.suppress(KeyboardInterrupt):
        Server(config).run()


if __name__ == "__main__":
    main()
