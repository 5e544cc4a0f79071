"""The officers' pages of requests, put into the kernel's console; each shows, or calls one service."""

from dsar.admin.routes import register

__all__ = ["register"]
