from http.cookies import SimpleCookie

from aioxide._core import Cookies


class CookieJar:
    def __init__(self, **k):
        self._native = Cookies()
        self.quote_cookie = True

    def update_cookies(self, c, u=None):
        pass

    def filter_cookies(self, u):
        return SimpleCookie()


class DummyCookieJar(CookieJar):
    pass


def cookies_of(values):
    c = SimpleCookie()
    for v in values:
        c.load(v)
    return c
