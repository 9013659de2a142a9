"""Every name of the running Python's asyncio; those that aioxide has are aioxide's.

``from aioxide import asyncio`` in the place of ``import asyncio`` is all that a program changes. Loops,
tasks, futures, streams and subprocesses are asyncio's own. For a type checker the classes are asyncio's too:
what type-checked goes on doing so. docs/migrate/asyncio.md lists what is different.
"""

import asyncio as _theirs
import sys as _sys
from typing import TYPE_CHECKING

from aioxide.asyncio._module import stands_for as _stands_for
from aioxide.asyncio.queues import QueueShutDown as QueueShutDown
from aioxide.asyncio.taskgroups import TaskGroup as TaskGroup
from aioxide.asyncio.tasks import as_completed as as_completed
from aioxide.asyncio.tasks import gather as gather

# A type checker keeps what came first, the interpreter what came last.
from asyncio import *  # type: ignore[assignment,no-redef]  # isort: skip

if TYPE_CHECKING:
    from asyncio import base_events as base_events
    from asyncio import events as events
    from asyncio import exceptions as exceptions
    from asyncio import futures as futures
    from asyncio import protocols as protocols
    from asyncio import runners as runners
    from asyncio import streams as streams
    from asyncio import subprocess as subprocess
    from asyncio import transports as transports
else:
    from aioxide.asyncio import coroutines, locks, queues, taskgroups, tasks, threads, timeouts
    from aioxide.asyncio.coroutines import *
    from aioxide.asyncio.locks import *
    from aioxide.asyncio.queues import *
    from aioxide.asyncio.taskgroups import *
    from aioxide.asyncio.tasks import *
    from aioxide.asyncio.threads import *
    from aioxide.asyncio.timeouts import *

    # Python 3.11 leaves `TaskGroup` out.
    __all__ = sorted({*_theirs.__all__, "QueueShutDown", "TaskGroup"})
    __getattr__, __dir__ = _stands_for(_theirs, globals())

    # The submodules in which nothing is ours, as os makes of posixpath `os.path`.
    for _name in [name for name in _sys.modules if name.startswith("asyncio.")]:
        _sys.modules.setdefault(f"aioxide.{_name}", _sys.modules[_name])
