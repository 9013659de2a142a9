import socket

import pytest

from tests.servers.raw import Connection, RawServer, hang_up, reply, reset, silence


def ask(server: RawServer) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        return client.makefile("rb").read()


def test_scripts_in_their_order_and_the_last_for_the_rest() -> None:
    with RawServer(hang_up, reply(b"hello")) as server:
        assert [ask(server) for _ in range(3)] == [b"", b"hello", b"hello"]
    assert server.received == [b"GET / HTTP/1.1\r\n\r\n"] * 3


def test_reset_is_a_reset() -> None:
    with RawServer(reset) as server, pytest.raises(ConnectionResetError):
        ask(server)


def test_silence_ends_with_the_server() -> None:
    with RawServer(silence) as server:
        client = socket.create_connection(("127.0.0.1", server.port), timeout=0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)
    assert client.recv(1) == b""
    client.close()


def test_parts_of_a_request() -> None:
    def script(connection: Connection) -> None:
        assert connection.read_head() == b"POST / HTTP/1.1\r\n\r\n"
        connection.send(connection.read(4))
        connection.send(connection.read_until(b"\n"))

    with RawServer(script) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\n\r\nbodyrest\n")
        assert client.makefile("rb").read() == b"bodyrest\n"


def test_a_script_that_fails_fails_the_block() -> None:
    def script(connection: Connection) -> None:
        assert connection.read_head().startswith(b"POST")

    with pytest.raises(ExceptionGroup) as caught, RawServer(script) as server:
        ask(server)
    assert isinstance(caught.value.exceptions[0], AssertionError)
