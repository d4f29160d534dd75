"""Stands where a program would be started: hands its streams to the fork server, and ends when the fork does.

Usage: fork_shim.py SOCKET ROLE ARGUMENT…; run with -I -S, so that it starts in milliseconds. Standard library only.
"""

import json
import socket
import sys


def main() -> None:
    address, role, *arguments = sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        request = json.dumps({"fork": role, "arguments": arguments}).encode() + b"\n"
        socket.send_fds(connection, [request], [0, 1, 2])
        while connection.recv(1024):
            pass


if __name__ == "__main__":
    main()
