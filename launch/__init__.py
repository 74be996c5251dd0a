"""The starter: an embedded PostgreSQL and the processes of `make run`. It imports nothing of the application."""

from launch.environment import running_database
from launch.postgres import Embedded, ServerError

__all__ = ["Embedded", "ServerError", "running_database"]
