"""How a class of ours stands in for one of asyncio's.

For each name there are two classes. The public one, which programs name, derives from asyncio's and adds
nothing: a class that a program derives from it gets asyncio's own methods, with all that they keep to
themselves, so that `_put` may be overridden and `_queue` be read. The other one derives from ours and from
the public one; calling the public one makes an object of it, which so is an instance of asyncio's class, too.

Invariant: whatever is an instance of asyncio's class, or of ours, is an instance of the public one.
"""

import inspect
from abc import ABCMeta
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

__all__ = ["Kind", "Place", "stands_in_for"]


@dataclass(frozen=True)
class Place:
    """What a public class stands for."""

    make: Callable[..., Any]
    # Asyncio's class, and ours.
    kinds: tuple[type, type]
    # Whether ours takes these arguments; what it does not take goes to asyncio's.
    takes: Callable[..., bool] | None = None


class Kind(ABCMeta):
    """The metaclass of public classes, and so of what is derived from them, for which it does nothing.

    An ABCMeta, so that a class may derive from a public one and from an abstract one.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        place: Place | None = cls.__dict__.get("_place")
        if place is None or (place.takes is not None and not place.takes(*args, **kwargs)):
            return super().__call__(*args, **kwargs)
        return place.make(*args, **kwargs)

    @property
    def __signature__(cls) -> inspect.Signature:
        """What `inspect.signature` says, where it would say what `__call__` takes."""
        place: Place | None = cls.__dict__.get("_place")
        if place is not None:
            return inspect.signature(place.kinds[0])
        its = inspect.signature(cls.__init__)  # type: ignore[misc]
        return its.replace(parameters=list(its.parameters.values())[1:])

    def __instancecheck__(cls, instance: Any) -> bool:
        place: Place | None = cls.__dict__.get("_place")
        return super().__instancecheck__(instance) if place is None else isinstance(instance, place.kinds)

    def __subclasscheck__(cls, subclass: type) -> bool:
        place: Place | None = cls.__dict__.get("_place")
        return super().__subclasscheck__(subclass) if place is None else issubclass(subclass, place.kinds)


def stands_in_for(
    theirs: type, *bases: type, takes: Callable[..., bool] | None = None
) -> Callable[[type], Kind]:
    """Make of a class of ours the public one that stands in for ``theirs``.

    ``bases`` are the public ones it derives from, as ``theirs`` does from theirs.
    """

    def place(ours: type) -> Kind:
        names = {"__module__": ours.__module__, "__qualname__": ours.__qualname__, "__doc__": ours.__doc__}
        public = Kind(ours.__name__, (theirs, *bases), dict(names))
        made = Kind(ours.__name__, (ours, public), dict(names))
        # Not through `Kind.__call__`, which has nothing to do for it.
        make = partial(type.__call__, made)
        public._place = Place(make, (theirs, ours.__bases__[0]), takes)  # type: ignore[attr-defined]
        return public

    return place
