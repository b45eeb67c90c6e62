"""Keeps a test from reaching any other machine: only loopback addresses can be resolved or connected to."""

import ipaddress
import socket


class OutsideConnection(AssertionError):
    """A client tried to leave this machine."""


def is_loopback(host: object) -> bool:
    """Whether a host of a socket address is this machine."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def check(host: object) -> None:
    """Raises for a host that is not this machine."""
    if not is_loopback(host):
        raise OutsideConnection(f"a client tried to reach {host!r}: every URL must be overridden")


def install() -> None:
    """Guards every socket of this process, for good."""
    if getattr(socket.socket, "is_guarded", False):
        return
    real_connect, real_connect_ex = socket.socket.connect, socket.socket.connect_ex
    real_getaddrinfo = socket.getaddrinfo

    def connect(self, address):
        if self.family != socket.AF_UNIX:
            check(address[0])
        return real_connect(self, address)

    def connect_ex(self, address):
        if self.family != socket.AF_UNIX:
            check(address[0])
        return real_connect_ex(self, address)

    def getaddrinfo(host, *arguments, **options):
        check(host)
        return real_getaddrinfo(host, *arguments, **options)

    socket.socket.connect = connect
    socket.socket.connect_ex = connect_ex
    socket.socket.is_guarded = True
    socket.getaddrinfo = getaddrinfo
