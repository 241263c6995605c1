"""How functions are compiled: by numba, without the interpreter's lock, kept for the next process.

numba keeps code for as long as a function's own file stays the same. What it calls in other files
has become part of that code, so those files count here too: else an update would run on with
parts of the version before. What an update left behind is not read but compiled anew.

Three instructions that numba does not offer by name are here too.
"""

import sys
from collections.abc import Callable
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from types import CellType, FunctionType
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba.core import types
from numba.core.caching import FunctionCache
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """`function` in machine code.

    The code is kept beside the module or, where nothing may be written there, in the user's
    cache folder; where neither may be written, it is compiled anew in each process.
    """
    return _compiled(function)


def inlined(function: Function) -> Function:
    """As `compiled`, for a small function in an inner loop: it becomes part of its callers."""
    return _compiled(function, forceinline=True)


def _compiled(function: Function, **options: bool) -> Function:
    make = partial[Any](numba.njit, nogil=True, error_model="numpy", **options)()
    keyed = _of_its_sources(function)
    try:
        kept = _KeptCode(keyed)  # type: ignore[no-untyped-call]
    except RuntimeError:
        return cast(Function, make(function))
    dispatcher = make(keyed)
    dispatcher._cache = kept
    return cast(Function, dispatcher)


class _KeptCode(FunctionCache):
    """numba's cache, which forgets what it cannot read.

    It is indexed by the arguments' classes, and an update may have moved or renamed one.
    """

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The code for arguments of these types; None where none is kept."""
        try:
            return super().load_overload(signature, context)  # type: ignore[no-untyped-call]
        except (AttributeError, ImportError):
            self.flush()  # type: ignore[no-untyped-call]
            return None


def _of_its_sources(function: Any) -> Any:
    """`function` with the digest of its sources as one more variable, by which numba keeps it."""
    code = function.__code__
    keyed = FunctionType(
        code.replace(co_freevars=(*code.co_freevars, "sources")),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        (*(function.__closure__ or ()), CellType(_sources(function.__module__))),
    )
    keyed.__module__, keyed.__qualname__ = function.__module__, function.__qualname__
    keyed.__doc__, keyed.__annotations__ = function.__doc__, function.__annotations__
    return keyed


@cache
def _sources(module: str) -> str:
    """The digest of a module's file and of the files of ours that it has names from."""
    loaded = sys.modules[module]
    origins = {str(getattr(value, "__module__", "")) for value in vars(loaded).values()}
    ours = {name for name in origins if name.startswith(("features.", "training."))}
    digest = sha256(Path(str(loaded.__file__)).read_bytes())
    for name in sorted(ours - {module}):
        digest.update(_sources(name).encode())
    return digest.hexdigest()


def _instruction(answer: Any, argument: Any, write: Callable[[Any, Any], Any]) -> Any:
    """A function of one word that is the one instruction which `write` writes."""

    def typed(_context: Any, word: Any) -> Any:  # numba looks at the arguments' number
        del word

        def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return write(builder, arguments[0])

        return answer(argument), code

    return intrinsic(typed)


# The position of the lowest bit of a word that is not zero.
lowest_bit = _instruction(
    types.uint64,
    types.uint64,
    lambda builder, word: builder.cttz(word, ir.Constant(ir.IntType(1), 1)),
)

# How many bits of a word are set.
bits_set = _instruction(types.uint64, types.uint64, lambda builder, word: builder.ctpop(word))

# The float64 whose bits a word holds.
as_float = _instruction(
    types.float64, types.uint64, lambda builder, word: builder.bitcast(word, ir.DoubleType())
)
