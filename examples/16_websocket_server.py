"""A chat over WebSockets: a server that sends what one says to all, and clients that come, talk and leave.

Each connection is served by a task of its own. `broadcast` takes a message's bytes over once and waits for
nobody: a client that does not read is closed, rather than slowing down the others or filling the memory.
"""

import asyncio

import aioxide

NAMES = ["ada", "grace", "barbara"]
LINES = 3


class Chat:
    """Who is here, and what happens when one of them says something."""

    def __init__(self) -> None:
        self.clients: dict[aioxide.WebSocket, str] = {}

    def tell_all(self, text: str) -> None:
        """Send it to everybody, whoever is slow."""
        aioxide.broadcast(self.clients, text, slow="close")

    async def handle_client(self, websocket: aioxide.WebSocket) -> None:
        """Serve one connection, from its first message, which is a name, to its end."""
        name = str(await websocket.receive())
        self.clients[websocket] = name
        self.tell_all(f"* {name} is here, {len(self.clients)} of {len(NAMES)}")
        try:
            async for message in websocket:
                self.tell_all(f"{name}: {message}")
        finally:
            del self.clients[websocket]
            self.tell_all(f"* {name} has left")


async def talk(url: str, name: str) -> int:
    """Say some lines when all are here; return how many lines of others were heard."""
    heard = 0
    async with aioxide.connect_ws(url) as websocket:
        await websocket.send(name)
        async for line in websocket:
            heard += 1
            if name == NAMES[0]:
                print(line)
            if f"{len(NAMES)} of {len(NAMES)}" in str(line):
                for number in range(LINES):
                    await websocket.send(f"line {number}")
            if f"{name}: line {LINES - 1}" == line:
                break
    return heard


async def main() -> None:
    """Serve the chat until all have talked."""
    chat = Chat()
    async with aioxide.serve_ws(chat.handle_client, ping_interval=20, max_message_size=64 * 1024) as server:
        heard = await aioxide.gather(*(talk(server.url, name) for name in NAMES))
    print(f"{len(heard)} clients heard {sum(heard)} lines")


asyncio.run(main())
