"""Addresses of IPv6, as options give them, and what the name localhost stands for."""

import socket
from typing import Any

import httpx
import pytest
from mcp.server.mcpserver import MCPServer

from interleavethinker.servers.transport.http import HttpOptions, http_app, listening_socket
from interleavethinker.tools.errors import InputError

TOKEN = "a-token-of-a-test"  # noqa: S105
CALL = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


async def _status(options: HttpOptions, host: str, call: object = CALL) -> int:
    server = MCPServer("test")
    app: Any = http_app(server, options)
    headers = {"authorization": f"Bearer {TOKEN}", "accept": "application/json, text/event-stream", "host": host}
    transport = httpx.ASGITransport(app=app)
    async with server.session_manager.run(), httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        return (await client.post("/mcp", json=call, headers=headers)).status_code


@pytest.mark.parametrize(
    "options",
    [
        HttpOptions(host="fd00::2", token=TOKEN),
        HttpOptions(host="fd00:0::2", token=TOKEN),
        HttpOptions(host="::", token=TOKEN, allowed_hosts=["fd00::2"]),
        HttpOptions(host="::", token=TOKEN, allowed_hosts=["[fd00::2]"]),
        HttpOptions(host="::", token=TOKEN, allowed_hosts=["[fd00::2]:8765"]),
    ],
)
async def test_an_address_of_ipv6_is_accepted_in_the_form_that_clients_send(options: HttpOptions) -> None:
    assert await _status(options, "[fd00::2]:8765") != 421
    assert await _status(options, "[fd00::3]:8765") == 421


@pytest.mark.parametrize("call", [{"jsonrpc": "2.0"}, {"jsonrpc": "2.0", "id": None, "method": "tools/list"}])
async def test_a_host_that_is_not_allowed_is_refused_before_the_message_is_looked_at(call: object) -> None:
    assert await _status(HttpOptions(), "evil.example", call) == 421
    assert await _status(HttpOptions(), "127.0.0.1:8765", call) == 400


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
@pytest.mark.parametrize("host", ["::1", "[::1]"])
async def test_a_server_on_the_loopback_address_of_ipv6_answers_there(host: str) -> None:
    options = HttpOptions(host=host)
    options.check()
    try:
        listening = listening_socket(options.host, 0)
    except InputError:
        pytest.skip("this machine has no ::1")
    port = listening.getsockname()[1]
    listening.close()
    assert await _status(options, f"[::1]:{port}") == await _status(options, f"127.0.0.1:{port}") == 400
    assert await _status(options, f"[::2]:{port}") == 421


def test_brackets_belong_to_an_address_in_a_url_and_are_left_out() -> None:
    options = HttpOptions(host="[::1]")
    assert (options.host, options.on_loopback) == ("::1", True)
    options.check()


@pytest.mark.parametrize("host", ["", "  "])
def test_an_empty_address_is_refused_even_with_a_token(host: str) -> None:
    with pytest.raises(InputError, match="The address to listen on is empty"):
        HttpOptions(host=host, token=TOKEN).check()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_an_address_of_no_interface_is_refused_and_not_the_port_blamed(host: str) -> None:
    with pytest.raises(InputError, match=r"Cannot listen on .* Choose another --host\."):
        listening_socket(host, 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_localhost_is_the_loopback_address_that_the_machine_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    four = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))
    six = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0))
    elsewhere = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))
    for known, address in (([six, four], "127.0.0.1"), ([six], "::1"), ([elsewhere], "127.0.0.1"), ([], "127.0.0.1")):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, known=known, **__: known)
        with listening_socket("localhost", 0) as listening:
            assert listening.getsockname()[0] == address
