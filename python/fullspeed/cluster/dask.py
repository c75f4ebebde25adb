"""For `dask worker --preload fullspeed.cluster.dask`: turns the engine on in the worker.

What must stay true: it needs nothing but the standard library and fullspeed; FULLSPEED=0 leaves
the worker as it is.
"""

import logging
from typing import Any

import fullspeed
from fullspeed.cluster import local


def dask_setup(service: Any) -> None:
    """Dask's hook: a worker (or a scheduler) is about to start."""
    fullspeed.enable()
    if _wants_loader():
        from fullspeed import loader

        loader.install()
    member = local()
    engine = "on" if member["engine"] else "off"
    log = logging.getLogger("distributed.worker")
    log.info("fullspeed: %s, engine %s", member["level"] or member["error"], engine)


def _wants_loader() -> bool:
    from fullspeed import _run

    return _run.config()["FULLSPEED_LOADER"][0] == "1"
