"""Daemon threads that are in the middle of our code when the interpreter goes: the process ends as any other.

Before 3.14 CPython ends such a thread as soon as it wants the interpreter; see `src/python/left_behind.rs`.
"""

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import aioxide._core

# Each thread calls `main`, which comes to `long`, mostly with frames of ours below it: there the interpreter
# is taken from it when the main thread wants it, and it never gets it again.
SCRIPT = """
import asyncio, sys, threading, time
import aioxide
from aioxide._core import echo, pending

inside = threading.Semaphore(0)
def long():
    inside.release()
    while True:
        pass
{main}
for _ in range(3):
    threading.Thread(target=main, daemon=True).start()
for _ in range(3):
    assert inside.acquire(timeout=10)
print("end", flush=True)
"""

PLACES = {
    "a special method": """
class Number:
    def __float__(self): long()
def main():
    aioxide.sleep(Number())
""",
    "a destructor": """
class Dies:
    def __del__(self): long()
def main():
    queue = aioxide.Queue()
    queue.put_nowait(Dies())
    del queue
""",
    "a destructor of what an operation had": """
class Dies:
    def __del__(self): long()
def main():
    echo(Dies()).close()
""",
    "a method of the loop": """
class Loop(asyncio.SelectorEventLoop):
    def add_reader(self, fd, callback):
        long() if type(callback).__name__ == "Drain" else super().add_reader(fd, callback)
def main():
    Loop().run_until_complete(aioxide.sleep(0.001))
""",
    "a task that the drain resumed": """
async def resumed():
    await echo(1)
    long()
def main():
    asyncio.SelectorEventLoop().run_until_complete(resumed())
""",
    "a coroutine of a gather": """
async def child():
    await asyncio.sleep(0)
    long()
async def both():
    await aioxide.gather(child(), echo(1))
def main():
    asyncio.SelectorEventLoop().run_until_complete(both())
""",
    # What `sys` has is dropped when no other thread can have the interpreter any more.
    "a wait without the interpreter": """
event = aioxide.Event()
class Late:
    def __del__(self, set=event.set, sleep=time.sleep):
        set()
        sleep(0.1)
sys.late = Late()
def main():
    inside.release()
    event.wait_blocking()
""",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_thread_that_is_inside(place, script):
    assert script.works(SCRIPT.format(main=PLACES[place])) == "end\n"


def test_a_loop_works_on_while_atexit_functions_run(script):
    """Those that were registered before ours come after it."""
    printed = script.works("""
        import atexit
        def late():
            print(asyncio.run_coroutine_threadsafe(use(), loop).result(), waiting.done())
        atexit.register(late)
        import asyncio, threading
        from aioxide._core import echo, pending, pending_count

        async def use():
            return [await echo(number) for number in range(20)]
        loop = asyncio.SelectorEventLoop()
        threading.Thread(target=loop.run_forever, daemon=True).start()
        waiting = asyncio.run_coroutine_threadsafe(pending(), loop)
        while not pending_count():
            asyncio.run_coroutine_threadsafe(use(), loop).result()
    """)
    assert printed == f"{list(range(20))} False\n"


# What the extension may call directly: it asks for no lock, runs no Python code, frees no object.
NEVER_UNWINDS = """
PyByteArray_AsString PyByteArray_Size PyBytes_AsString PyBytes_FromStringAndSize PyCallable_Check
PyCapsule_GetName PyCapsule_GetPointer PyDict_Next PyErr_ExceptionMatches PyErr_GetRaisedException
PyErr_GivenExceptionMatches PyErr_Occurred PyEval_SaveThread PyException_GetTraceback PyFloat_FromDouble
PyIter_Check PyList_Append PyList_GetItem PyList_GetItemRef PyList_Reverse PyLong_AsUnsignedLongLong
PyLong_FromLong PyLong_FromNativeBytes PyLong_FromSsize_t PyLong_FromUnsignedLongLong PyModuleDef_Init
PyModule_GetNameObject PyObject_GC_UnTrack PySequence_Check PyThreadState_Get PyTuple_GetItem
PyType_GetFullyQualifiedName PyType_GetModuleName PyType_GetName PyType_GetQualName PyType_IsSubtype
PyType_Modified PyUnicode_AsUTF8AndSize PyUnicode_EqualToUTF8AndSize PyUnicode_FromStringAndSize
PyUnicode_InternInPlace PyUnicode_New PyWeakref_GetObject PyWeakref_GetRef Py_GetVersion Py_InitializeEx
Py_IsFinalizing Py_IsInitialized _PyLong_FromByteArray _Py_CheckFunctionResult
"""


@pytest.mark.skipif(
    sys.version_info >= (3, 14) or platform.libc_ver()[0] != "glibc", reason="threads are not unwound here"
)
@pytest.mark.skipif(shutil.which("nm") is None, reason="nm of the binutils reads the symbols")
def test_whatever_may_unwind_is_wrapped():
    listed = subprocess.run(
        ["nm", "-D", aioxide._core.__file__], capture_output=True, text=True, check=True
    ).stdout
    wrapped = set(re.findall(r"\b__wrap_(\w+)", listed))
    used = set(re.findall(r"\bU (_?Py\w+)", listed))
    data = {name for name in used if re.search(r"^PyExc_|Type$|Struct$", name)}
    assert "__real_" not in listed
    assert used - data - wrapped - set(NEVER_UNWINDS.split()) == set()
    source = (Path(__file__).resolve().parents[2] / "src/python/left_behind.rs").read_text()
    assert wrapped <= set(re.findall(r"_?Py\w+", source))
