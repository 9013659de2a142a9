"""wreq, on its default runtime: a worker for each core."""

from wreq import Client

from benches.compare.load import authority


def client() -> Client:
    # Any certificate will do: that is the way it has of trusting this one.
    return Client(tls_verify=False) if authority() else Client()


async def get(session: Client, url: str) -> tuple[int, memoryview]:
    response = await session.get(url)
    return response.status.as_int(), await response.bytes()
