"""What is in use of a client's connections."""

import aioxide


def is_at_rest(client: aioxide.Client | aioxide.BlockingClient) -> bool:
    """No request has a connection, waits for one, or opens one."""
    statistics = client.statistics()
    return (statistics.waiting, statistics.connections) == (0, statistics.idle)
