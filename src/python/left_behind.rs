//! A thread that the interpreter leaves behind stops for ever, where it would take the process down.
//!
//! When the interpreter goes, CPython before 3.14 ends every other thread as soon as it wants the interpreter's
//! lock: with `pthread_exit`, which with glibc unwinds the stack. Where that comes to a frame of Rust it either drops
//! Python objects without the lock, which crashes, or is stopped by the compiler or by PyO3, which aborts. Such a
//! thread may be in any function of CPython's that runs Python code, frees an object, allocates one that
//! the collector knows or asks for the lock; and there is no frame of ours that does not call one of them.
//!
//! So the linker puts the functions below in their place (`--wrap`, see `build.rs`, which reads their names
//! here), for PyO3's calls as for ours. Each calls the real one, and if that is unwound the thread parks:
//! without the lock, and with its frames as they were. That is what CPython itself does from 3.14 on; with other C
//! libraries `pthread_exit` unwinds nothing.
//!
//! Invariant: what the extension imports from CPython is either listed here or never unwinds. `tests/contract/test_left_behind.py`
//! looks at the symbols of what was built.

use std::ffi::{c_char, c_double, c_int, c_long, c_void};
use std::mem;
use std::thread;

use pyo3::ffi::{self, *};

type Object = *mut PyObject;
type Size = Py_ssize_t;

struct StopIfUnwound;

impl Drop for StopIfUnwound {
    fn drop(&mut self) {
        loop {
            thread::park();
        }
    }
}

macro_rules! stopping {
    ($($(#[$cfg:meta])* fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        $($(#[$cfg])* const _: () = {
            // The linker puts nothing in the place of what nobody asks for, so it is asked for here.
            // SAFETY: nobody calls it; that the types are the real one's is what the compiler sees here.
            #[used]
            static REAL: unsafe extern "C" fn($($type),*) $(-> $result)? = ffi::$name;
            stopping_unseen! { fn $name($($arg: $type),*) $(-> $result)?; }
        };)*
    };
}

macro_rules! stopping_unseen {
    (fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)?;) => {
        // SAFETY: the types are the real one's, and nobody is told that it does not unwind.
        unsafe extern "C-unwind" {
            #[link_name = concat!("__real_", stringify!($name))]
            fn real($($arg: $type),*) $(-> $result)?;
        }

        // SAFETY: the linker asks for this name; nothing else has it.
        #[unsafe(export_name = concat!("__wrap_", stringify!($name)))]
        unsafe extern "C-unwind" fn wrap($($arg: $type),*) $(-> $result)? {
            let stop = StopIfUnwound;
            // SAFETY: what the caller promised for the real one.
            let result = unsafe { real($($arg),*) };
            mem::forget(stop);
            result
        }
    };
}

// Asking for the lock, and giving it up at the end of a thread.
stopping! {
    fn PyEval_RestoreThread(thread: *mut PyThreadState);
    fn PyGILState_Ensure() -> PyGILState_STATE;
    fn PyGILState_Release(state: PyGILState_STATE);
    fn PyErr_CheckSignals() -> c_int;
}

// Calls.
stopping! {
    fn PyObject_Call(function: Object, args: Object, kwargs: Object) -> Object;
    fn PyObject_CallNoArgs(function: Object) -> Object;
    #[cfg(Py_3_12)]
    fn PyObject_CallOneArg(function: Object, arg: Object) -> Object;
    fn PyObject_Vectorcall(function: Object, args: *const Object, count: usize, names: Object) -> Object;
    fn PyObject_VectorcallDict(function: Object, args: *const Object, count: usize, kwargs: Object) -> Object;
    fn PyObject_VectorcallMethod(name: Object, args: *const Object, count: usize, names: Object) -> Object;
    fn PyIter_Send(iterator: Object, value: Object, result: *mut Object) -> PySendResult;
    fn PyIter_Next(iterator: Object) -> Object;
    fn PyImport_Import(name: Object) -> Object;
    fn PyCapsule_Import(name: *const c_char, no_block: c_int) -> *mut c_void;
    fn PyContext_Enter(context: Object) -> c_int;
    fn PyContext_Exit(context: Object) -> c_int;
}

// What calls the special methods of an object.
stopping! {
    fn PyObject_GetAttr(object: Object, name: Object) -> Object;
    #[cfg(Py_3_13)]
    fn PyObject_GetOptionalAttr(object: Object, name: Object, result: *mut Object) -> c_int;
    #[cfg(Py_3_13)]
    fn PyObject_HasAttrWithError(object: Object, name: Object) -> c_int;
    fn PyObject_GenericGetAttr(object: Object, name: Object) -> Object;
    fn PyObject_GenericGetDict(object: Object, closure: *mut c_void) -> Object;
    fn PyObject_GenericSetDict(object: Object, value: Object, closure: *mut c_void) -> c_int;
    fn PyObject_SetAttr(object: Object, name: Object, value: Object) -> c_int;
    fn PyObject_SetAttrString(object: Object, name: *const c_char, value: Object) -> c_int;
    fn PyObject_GetItem(object: Object, key: Object) -> Object;
    fn PyObject_SetItem(object: Object, key: Object, value: Object) -> c_int;
    fn PyObject_DelItem(object: Object, key: Object) -> c_int;
    fn PyObject_GetIter(object: Object) -> Object;
    fn PyObject_IsInstance(object: Object, class: Object) -> c_int;
    fn PyObject_IsSubclass(object: Object, class: Object) -> c_int;
    fn PyObject_IsTrue(object: Object) -> c_int;
    fn PyObject_LengthHint(object: Object, otherwise: Size) -> Size;
    fn PyObject_Size(object: Object) -> Size;
    fn PyObject_Repr(object: Object) -> Object;
    fn PyObject_Str(object: Object) -> Object;
    fn PyObject_RichCompare(left: Object, right: Object, operator: c_int) -> Object;
    fn PyObject_GetBuffer(object: Object, view: *mut Py_buffer, flags: c_int) -> c_int;
    fn PyBuffer_Release(view: *mut Py_buffer);
    fn PyMapping_Size(object: Object) -> Size;
    fn PyNumber_Index(object: Object) -> Object;
    fn PyFloat_AsDouble(object: Object) -> c_double;
    fn PyLong_AsLong(object: Object) -> c_long;
    fn PyOS_FSPath(object: Object) -> Object;
    fn PyDict_Contains(dict: Object, key: Object) -> c_int;
    #[cfg(not(Py_3_13))]
    fn PyDict_GetItemWithError(dict: Object, key: Object) -> Object;
    #[cfg(Py_3_13)]
    fn PyDict_GetItemRef(dict: Object, key: Object, result: *mut Object) -> c_int;
    fn PyDict_SetItem(dict: Object, key: Object, value: Object) -> c_int;
    fn PyDict_DelItem(dict: Object, key: Object) -> c_int;
    fn PyDict_Update(dict: Object, other: Object) -> c_int;
}

// What frees objects, whose destructors are Python.
// PyO3 keeps this one to itself.
const _: () = {
    stopping_unseen! {
        fn _Py_Dealloc(object: Object);
    }
};

stopping! {
    fn PyObject_ClearWeakRefs(object: Object);
    #[cfg(not(Py_3_13))]
    fn PyErr_Clear();
    #[cfg(not(Py_3_12))]
    fn PyErr_Fetch(class: *mut Object, value: *mut Object, traceback: *mut Object);
    #[cfg(not(Py_3_12))]
    fn PyErr_Restore(class: Object, value: Object, traceback: Object);
    #[cfg(Py_3_12)]
    fn PyErr_SetRaisedException(exception: Object);
    fn PyException_SetCause(exception: Object, cause: Object);
    fn PyException_SetTraceback(exception: Object, traceback: Object) -> c_int;
}

// What makes exceptions, or shows them.
stopping! {
    fn PyErr_SetObject(class: Object, value: Object);
    fn PyErr_SetString(class: Object, message: *const c_char);
    #[cfg(not(Py_3_12))]
    fn PyErr_NormalizeException(class: *mut Object, value: *mut Object, traceback: *mut Object);
    fn PyErr_NewExceptionWithDoc(
        name: *const c_char, doc: *const c_char, base: Object, dict: Object
    ) -> Object;
    fn PyErr_PrintEx(set_last: c_int);
    fn PyErr_WarnEx(category: Object, message: *const c_char, level: Size) -> c_int;
    fn PyErr_WriteUnraisable(object: Object);
    fn PyTraceBack_Print(traceback: Object, file: Object) -> c_int;
}

// What may look for a codec, which is Python.
stopping! {
    fn PyUnicode_AsEncodedString(text: Object, encoding: *const c_char, errors: *const c_char) -> Object;
    fn PyUnicode_DecodeFSDefaultAndSize(bytes: *const c_char, size: Size) -> Object;
    fn PyUnicode_EncodeFSDefault(text: Object) -> Object;
    fn PyUnicode_FromEncodedObject(object: Object, encoding: *const c_char, errors: *const c_char) -> Object;
}

// What makes objects that the collector knows: on 3.11 it runs then and there, and calls destructors.
stopping! {
    fn PyCMethod_New(
        definition: *mut PyMethodDef, object: Object, module: Object, class: *mut PyTypeObject
    ) -> Object;
    fn PyCapsule_New(
        pointer: *mut c_void, name: *const c_char, destructor: Option<PyCapsule_Destructor>
    ) -> Object;
    fn PyCode_NewEmpty(file: *const c_char, name: *const c_char, line: c_int) -> *mut PyCodeObject;
    fn PyFrame_New(
        thread: *mut PyThreadState, code: *mut PyCodeObject, globals: Object, locals: Object
    ) -> *mut PyFrameObject;
    fn PyDict_New() -> Object;
    fn PyDict_Copy(dict: Object) -> Object;
    fn PyDict_Values(dict: Object) -> Object;
    fn PyList_New(size: Size) -> Object;
    fn PyTuple_New(size: Size) -> Object;
    fn PyTuple_GetSlice(tuple: Object, low: Size, high: Size) -> Object;
    fn PyType_FromSpec(spec: *mut PyType_Spec) -> Object;
    fn PyWeakref_NewRef(object: Object, callback: Object) -> Object;
}

// On 3.11 PyO3 does what is `PyObject_CallOneArg` later: calls a pointer that it takes from the callable, or this.
#[cfg(not(Py_3_12))]
const _: () = {
    stopping_unseen! {
        fn _PyObject_MakeTpCall(
            thread: *mut PyThreadState, function: Object, args: *const Object, count: Size, names: Object
        ) -> Object;
    }
};

// In the place of that pointer it is given a function that does the same, and stops.
#[cfg(not(Py_3_12))]
const _: () = {
    // SAFETY: the types are the real one's.
    unsafe extern "C-unwind" {
        #[link_name = "__real_PyVectorcall_Function"]
        fn real(function: Object) -> Option<vectorcallfunc>;
    }

    // SAFETY: nobody calls it; the compiler sees that the types are the real one's.
    #[used]
    static REAL: unsafe extern "C" fn(Object) -> Option<vectorcallfunc> = ffi::PyVectorcall_Function;

    // SAFETY: the linker asks for this name; nothing else has it.
    #[unsafe(export_name = "__wrap_PyVectorcall_Function")]
    unsafe extern "C-unwind" fn wrap(function: Object) -> Option<vectorcallfunc> {
        // SAFETY: what the caller promised for the real one.
        unsafe { real(function) }.map(|_| ffi::PyObject_Vectorcall as vectorcallfunc)
    }
};
