"""What holds for every test: no network beyond this machine, and no library that looks for one.

The guard is an audit hook, so it also sees connections made from C code and other threads. Subprocesses are outside
its reach; the environment variables below keep the libraries in them offline.
"""

import ipaddress
import os
import sys

# Two threads on a busy machine are many times slower than one; subprocesses inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["LANGSMITH_TRACING"] = "false"


class SocketBlockedError(RuntimeError):
    """A test tried to reach another machine."""


def _is_loopback(host: object) -> bool:
    if isinstance(host, bytes | bytearray):
        host = host.decode()
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:  # A host name: looking it up would ask a name server.
        return False


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        # Only internet addresses are tuples with a host; a Unix socket's is a path, a netlink's two numbers.
        if not isinstance(address, tuple) or not address or not isinstance(address[0], str):
            return
        host: object = address[0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not _is_loopback(host):
        raise SocketBlockedError(f"tests may only reach this machine; {event} was called for {host!r}")


sys.addaudithook(_guard)
