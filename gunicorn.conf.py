"""gunicorn: the web's processes. PORT, BIND and WEB_CONCURRENCY come from the environment."""

import os
from pathlib import Path

_host = os.environ.get("BIND") or "127.0.0.1"
bind = f"{f'[{_host}]' if ':' in _host else _host}:{os.environ.get('PORT') or 8000}"
worker_class = "launch.web_worker.LingeringWorker"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = 4
timeout = 30
graceful_timeout = 10
keepalive = 5
preload_app = False  # each worker opens its own database connections and model sessions
# Heartbeats are file times: in memory, a slow disk can't make a healthy worker look dead.
_memory = Path("/dev/shm")  # noqa: S108 gunicorn makes a file of its own there
worker_tmp_dir = str(_memory) if _memory.is_dir() and os.access(_memory, os.W_OK) else None
control_socket_disable = True  # its default place is shared by all instances of one user
accesslog = None
errorlog = "-"


def post_worker_init(worker: object) -> None:
    """A worker has loaded the application."""
    from care.memory import settle

    settle()


def child_exit(server: object, worker: object) -> None:
    """A worker has ended: what it counted stays, what it measured of itself goes."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
