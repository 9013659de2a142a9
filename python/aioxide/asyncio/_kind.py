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
from typing import Any

__all__ = ["Kind", "stands_in_for"]


class Kind(ABCMeta):
    """The metaclass of public classes, and so of what is derived from them, for which it does nothing.

    An ABCMeta, so that a class may derive from a public one and from an abstract one.
    """

    @property
    def __signature__(cls) -> inspect.Signature:
        """What `inspect.signature` says, where it would say what `__new__` takes."""
        kinds = cls.__dict__.get("_kinds")
        if kinds is not None:
            return inspect.signature(kinds[0])
        its = inspect.signature(cls.__init__)  # type: ignore[misc]
        return its.replace(parameters=list(its.parameters.values())[1:])

    def __instancecheck__(cls, instance: Any) -> bool:
        kinds = cls.__dict__.get("_kinds")
        return super().__instancecheck__(instance) if kinds is None else isinstance(instance, kinds)

    def __subclasscheck__(cls, subclass: type) -> bool:
        kinds = cls.__dict__.get("_kinds")
        return super().__subclasscheck__(subclass) if kinds is None else issubclass(subclass, kinds)


def stands_in_for(
    theirs: type, *bases: type, takes: Callable[..., bool] | None = None
) -> Callable[[type], Kind]:
    """Make of a class of ours the public one that stands in for ``theirs``.

    ``bases`` are the public ones it derives from, as ``theirs`` does from theirs. Arguments that ours does
    not take, ``takes`` says, make an object of asyncio's.
    """

    def place(ours: type) -> Kind:
        native = ours.__bases__[0]
        names = {"__module__": ours.__module__, "__qualname__": ours.__qualname__, "__doc__": ours.__doc__}
        new: Callable[..., Any] = native.__new__

        def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            if cls is public and (takes is None or takes(*args, **kwargs)):
                # Its `__init__` is called, since it is an instance of the public class.
                return new(made)
            return _next_new(public, cls, args, kwargs)

        members = {**names, "__new__": __new__, "_kinds": (theirs, native)}
        public = Kind(ours.__name__, (theirs, *bases), members)
        made = Kind(ours.__name__, (ours, public), names)
        return public

    return place


def _next_new(public: Any, cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Make what is derived, by the next class that has a say; `object` takes no arguments."""
    new = super(public, cls).__new__
    return new(cls) if new is object.__new__ else new(cls, *args, **kwargs)
