"""How gunicorn serves the registry. It is read wherever gunicorn is started in this folder, with no option.

A request that only waits (for the database, for a browser that sends slowly) costs a thread, not a process;
what is more than half a second of work is not done here at all (`manage.py work`).

Under systemd the socket is handed over by `registry-web.socket`, which keeps it while gunicorn is started
anew: who asks meanwhile waits and is answered. `bind` is then not used.
"""

import os
from pathlib import Path
from typing import Any

from partybuild import env

bind = f"127.0.0.1:{env.integer('PORT', default=8000, least=1, most=65_535)}"
# Two processes for each core is usual; each holds as many connections to the database as it has threads.
workers = env.integer("WEB_WORKERS", default=3, least=1, most=64)
worker_class = "gthread"
threads = env.integer("WEB_THREADS", default=16, least=2, most=64)
# A process that does not answer to its master for so long is ended; a single request is not.
timeout = 60
# Seconds for running requests to finish when it is stopped: a page's longest statement, and some more.
graceful_timeout = 10 + env.integer("STATEMENT_SECONDS", default=30, least=2, most=600)
keepalive = 5
# More than the threads can take waits in the system's queue.
worker_connections = 200
backlog = 256
# Processes are made anew now and then, not all at once: what one leaks does not add up.
max_requests = 5_000
max_requests_jitter = 500
limit_request_line = 8_190
limit_request_fields = 60
control_socket_disable = True

# Each process keeps its counters for /metrics in a file of its own, named by its place and not by its pid: a
# new process goes on with the file of the one it replaces.
_counts = (env.absolute("STATE_DIR") or Path(__file__).resolve().parent / "var" / "state") / "metrics-1"


def on_starting(server: Any) -> None:
    """Make room for what is counted; without it each process says only what it counted itself."""
    try:
        _counts.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        server.log.warning("/metrics will speak of one process only: %s", error)


def pre_fork(server: Any, worker: Any) -> None:
    """Give a process the first place that is free."""
    taken = {getattr(other, "place", None) for other in server.WORKERS.values()}
    worker.place = next(place for place in range(1_000) if place not in taken)


def post_fork(server: Any, worker: Any) -> None:
    """Tell it its place."""
    os.environ["WORKER_PLACE"] = str(worker.place)
    if os.access(_counts, os.W_OK):
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_counts)
