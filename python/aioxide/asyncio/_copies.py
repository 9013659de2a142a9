"""Copies and pickles of primitives: asyncio's allow them while nobody waits, for objects that have one."""

from typing import Any

__all__ = ["Copied"]

# A method's name and its arguments.
_Call = tuple[str, tuple[Any, ...]]


class Copied:
    """A primitive that can be made anew, by calling its class and then some of its methods."""

    def _made_of(self) -> tuple[tuple[Any, ...], list[_Call]]:
        """Give the arguments of the class, and the calls that bring about the state."""
        raise NotImplementedError

    def statistics(self) -> dict[str, Any]:
        """Give the primitive's own."""
        raise NotImplementedError

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        statistics = self.statistics()
        if any(statistics.get(key) for key in ("waiting", "getting", "putting")):
            # Asyncio's has futures then.
            raise TypeError(f"cannot pickle {type(self).__name__!r} object that somebody waits for")
        arguments, calls = self._made_of()
        # The public class: see `_kind`.
        return _make, (type(self).__bases__[1], arguments, calls), vars(self) or None


def _make(kind: type, arguments: tuple[Any, ...], calls: list[_Call]) -> Any:
    made = kind(*arguments)
    for name, given in calls:
        getattr(made, name)(*given)
    return made
