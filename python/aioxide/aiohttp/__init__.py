"""The client side of aiohttp, on native connections: ``from aioxide import aiohttp``."""
from .client import ClientSession, ClientTimeout, request
from .client_reqrep import ClientResponse
from .connector import TCPConnector, UnixConnector
