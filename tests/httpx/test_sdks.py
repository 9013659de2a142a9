"""SDKs that take an ``http_client`` work on our transports, against a server that answers as theirs do."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from aioxide.httpx import AsyncTransport, Transport
from tests.servers.programs import free_port

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

WORDS = ["Good", " morning", ",", " wörld"]


def chunk(content: str, reason: str | None = None) -> dict[str, Any]:
    """What OpenAI streams."""
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": reason}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def completion(content: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def message(*content: str) -> dict[str, Any]:
    """What Anthropic answers."""
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": text} for text in content],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def events() -> Iterator[tuple[str | None, Any]]:
    """What Anthropic streams."""
    yield "message_start", {"type": "message_start", "message": message()}
    block = {"type": "text", "text": ""}
    yield "content_block_start", {"type": "content_block_start", "index": 0, "content_block": block}
    for word in WORDS:
        delta = {"type": "text_delta", "text": word}
        yield "content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta}
    yield "content_block_stop", {"type": "content_block_stop", "index": 0}
    usage = {"output_tokens": 4}
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    yield "message_delta", {"type": "message_delta", "delta": delta, "usage": usage}
    yield "message_stop", {"type": "message_stop"}


class Service(BaseHTTPRequestHandler):
    """Both services, as far as the SDKs are asked here; each word of a stream waits for the one before."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, dict(self.headers), asked))
        if self.server.refusals:
            self.server.refusals -= 1
            self._answer(429, {"error": {"message": "slower", "type": "rate_limit_error"}})
        elif asked.get("stream"):
            self._stream(self._chunks() if "chat" in self.path else events())
        elif "chat" in self.path:
            self._answer(200, completion("".join(WORDS)))
        else:
            self._answer(200, message("".join(WORDS)))

    def _chunks(self) -> Iterator[tuple[str | None, Any]]:
        for word in WORDS:
            yield None, chunk(word)
        yield None, chunk("", "stop")
        yield None, "[DONE]"

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("retry-after-ms", "1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, each: Iterator[tuple[str | None, Any]]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for name, value in each:
            text = value if isinstance(value, str) else json.dumps(value)
            line = (f"event: {name}\n" if name else "") + f"data: {text}\n\n"
            # An event comes in two parts, as on a bad day.
            data = line.encode()
            for part in (data[:7], data[7:]):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Service)
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        #: How many requests are told to come again.
        self.refusals = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def service() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def options(service: Server, client: Any) -> dict[str, Any]:
    return {"api_key": "key", "base_url": service.url, "http_client": client}


def on_aioxide() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=AsyncTransport())


QUESTION: list[Any] = [{"role": "user", "content": "?"}]


async def test_openai(service: Server) -> None:
    async with openai.AsyncOpenAI(**options(service, on_aioxide())) as client:
        answer = await client.chat.completions.create(model="m", messages=QUESTION)
        assert answer.choices[0].message.content == "".join(WORDS)
        stream = await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
        words = [event.choices[0].delta.content async for event in stream]
    assert words == [*WORDS, ""]
    path, headers, _ = service.asked[0]
    assert (path, headers["Authorization"]) == ("/chat/completions", "Bearer key")


async def test_openai_asks_again(service: Server) -> None:
    service.refusals = 1
    async with openai.AsyncOpenAI(**options(service, on_aioxide())) as client:
        await client.chat.completions.create(model="m", messages=QUESTION)
    assert len(service.asked) == 2


async def test_openai_leaves_a_stream(service: Server) -> None:
    async with openai.AsyncOpenAI(**options(service, on_aioxide())) as client:
        stream = await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
        async for event in stream:
            assert event.choices[0].delta.content == "Good"
            break
        await stream.close()


async def test_openai_finds_nobody() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    nobody = {"api_key": "key", "base_url": url, "http_client": on_aioxide()}
    async with openai.AsyncOpenAI(**nobody, max_retries=0) as client:
        with pytest.raises(openai.APIConnectionError) as caught:
            await client.chat.completions.create(model="m", messages=QUESTION)
    assert isinstance(caught.value.__cause__, httpx2.ConnectError)


async def test_openai_on_a_thread(service: Server) -> None:
    """And on the loop's own, which stands still meanwhile."""
    http_client = httpx2.Client(transport=Transport())
    with openai.OpenAI(**options(service, http_client)) as client:
        answer = client.chat.completions.create(model="m", messages=QUESTION)
        assert answer.choices[0].message.content == "".join(WORDS)
        stream = client.chat.completions.create(model="m", messages=QUESTION, stream=True)
        assert [event.choices[0].delta.content for event in stream] == [*WORDS, ""]


async def test_anthropic(service: Server) -> None:
    async with anthropic.AsyncAnthropic(**options(service, on_aioxide())) as client:
        answer = await client.messages.create(model="m", max_tokens=9, messages=QUESTION)
        assert answer.content[0].text == "".join(WORDS)  # type: ignore[union-attr]
        async with client.messages.stream(model="m", max_tokens=9, messages=QUESTION) as stream:
            words = [text async for text in stream.text_stream]
            final = await stream.get_final_message()
    assert words == WORDS
    assert final.stop_reason == "end_turn"
    assert service.asked[0][0] == "/v1/messages"


async def test_anthropic_on_a_thread(service: Server) -> None:
    http_client = httpx2.Client(transport=Transport())
    with anthropic.Anthropic(**options(service, http_client)) as client:
        answer = client.messages.create(model="m", max_tokens=9, messages=QUESTION)
        assert answer.content[0].text == "".join(WORDS)  # type: ignore[union-attr]
        with client.messages.stream(model="m", max_tokens=9, messages=QUESTION) as stream:
            assert list(stream.text_stream) == WORDS
