"""Workers of a Dask cluster: what they have, and keeping them to a level.

How it works: `client.run` asks the workers that are there; a plugin, which the scheduler keeps, has
those that come later keep to what was agreed before they get a task. Dask would go on without a
plugin that fails; so a worker that cannot keep to it ends with SystemExit, which its nanny takes
for a start that failed and does not try again. (Its nanny cannot be told: it does not listen yet.)
"""

import logging
from typing import Any

from distributed import WorkerPlugin

from fullspeed.cluster import Agreement, ClusterError, Member, force, local, settle


class KeepToLevel(WorkerPlugin):
    """Keeps every worker, from its start on, to a level."""

    name = "fullspeed-level"

    def __init__(self, level: str) -> None:
        """The level, as "x86-64-v3"."""
        self.level = level

    def setup(self, worker: Any) -> None:
        """Dask's hook: a worker has started, or the plugin is new to it."""
        try:
            force(self.level)
        except ClusterError as error:
            logging.getLogger("distributed.worker").error("fullspeed: closing: %s", error)
            raise SystemExit(1) from None


def _run(client: Any, function: Any, *arguments: object) -> dict[str, Any]:
    """Call a function in every worker; the errors of all become one."""
    answers = client.run(function, *arguments, on_error="return")
    faults = [f"{where}: {what}" for where, what in answers.items() if isinstance(what, Exception)]
    if faults:
        raise ClusterError("; ".join(sorted(faults)))
    return answers


def members(client: Any) -> list[Member]:
    """What the workers have, by address."""
    found = _run(client, local)
    return [{**found[where], "where": where} for where in sorted(found)]


def agree(client: Any) -> Agreement:
    """Settle on a level of all workers, and keep them to it."""
    agreement = settle(members(client))
    _run(client, force, agreement.level)
    client.register_plugin(KeepToLevel(agreement.level))
    return agreement
