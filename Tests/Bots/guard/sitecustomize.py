"""Loaded by every Python that a bot's test starts: its sockets reach this machine only."""

import socket_guard

socket_guard.install()
