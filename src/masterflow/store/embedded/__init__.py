"""The embedded PostgreSQL: one private cluster per home, its directories, keys, accounts and programs."""

from masterflow.store.embedded.homes import default_home, explained, role_password
from masterflow.store.embedded.server import Cluster, EmbeddedPostgres, ServerStatus

__all__ = ["Cluster", "EmbeddedPostgres", "ServerStatus", "default_home", "explained", "role_password"]
