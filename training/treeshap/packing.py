"""A compiled bag in one piece of memory, so that a call hands over two arrays and not forty.

Taking an array from Python costs compiled code more than a hundred nanoseconds, forty of them a
third of what one row's explanation costs. So all arrays lie one after the other in one buffer,
and the kernels find them again by their bounds.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import types
from numba.core.base import BaseContext
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from features.folding.compiled import compiled
from training.treeshap.lanes import Typed
from training.treeshap.tables import (
    Bytes,
    Codes,
    Indices,
    Lone,
    Places,
    ShapTables,
    Sums,
    TableArray,
)

Scalar = TypeVar("Scalar", np.float64, np.int64, np.int32, np.uint8, np.bool_)

# A line of the processor's cache, where each array begins.
LINE = 64
# How many numbers say where an array is.
FIELDS = 3


class Packed(NamedTuple):
    """All arrays of some `Tables`, in the order of their fields.

    `bounds` (arrays × 3) has of each its first byte in `buffer`, the byte after its last, and
    the numbers in a row of it.
    """

    buffer: Bytes
    bounds: Places


def packed(tables: ShapTables) -> tuple[Packed, ShapTables]:
    """`tables` in one buffer, and the same tables as views of it."""
    arrays = list(_arrays(tables))
    bounds = np.zeros((len(arrays), FIELDS), dtype=np.int64)
    end = 0
    for bound, source in zip(bounds, arrays, strict=True):
        bound[:] = end, end + source.nbytes, source.shape[-1]
        end = -(-(end + source.nbytes) // LINE) * LINE
    room = np.zeros(end + LINE, dtype=np.uint8)
    skip = -room.ctypes.data % LINE
    buffer = room[skip : skip + end]
    views = []
    for (first, last, _), source in zip(bounds, arrays, strict=True):
        view = buffer[first:last].view(source.dtype).reshape(source.shape)
        view[:] = source
        views.append(view)
    return Packed(buffer, bounds), _tables(iter(views))


def _arrays(tables: ShapTables) -> list[TableArray]:
    """The arrays of all fields, in their order."""
    codes, indices, sums, lone, points, weights = tables
    return [*codes, *indices, *sums, *lone, points, weights]


def _tables(arrays: Iterator[TableArray]) -> ShapTables:
    """The tables that `_arrays` took apart."""
    parts = [kind._make(islice(arrays, len(kind._fields))) for kind in (Codes, Indices, Sums, Lone)]
    return ShapTables._make([*parts, *arrays])


def _constant(number: int) -> ir.Constant:
    """A whole number in machine code."""
    return ir.Constant(ir.IntType(64), number)


def _found(dimensions: int) -> Callable[[Bytes, Places, int, type[Scalar]], npt.NDArray[Scalar]]:
    """A function that gives an array of a buffer as a view, which does not keep the buffer."""

    def typed(
        _context: Context,
        buffer: types.Array,
        bounds: types.Array,
        number: types.Type,
        kind: "types.NumberClass[types.Type]",
    ) -> Typed:
        del number
        view = types.Array(kind.dtype, dimensions, "C")

        def code(
            context: BaseContext,
            builder: ir.IRBuilder,
            signature: Signature,
            arguments: Sequence[ir.Value],
        ) -> ir.Value:
            whole, ranges = (
                make_array(array_type)(context, builder, value)
                for array_type, value in zip(signature.args[:2], arguments[:2], strict=True)
            )
            line = builder.mul(arguments[2], _constant(FIELDS))
            first, last, width = (
                builder.load(builder.gep(ranges.data, [builder.add(line, _constant(field))]))
                for field in range(FIELDS)
            )
            data = builder.gep(whole.data, [first])
            size = _constant(context.get_abi_sizeof(context.get_data_type(view.dtype)))
            count = builder.udiv(builder.sub(last, first), size)
            shape = [count] if dimensions == 1 else [builder.udiv(count, width), width]
            strides = [size] if dimensions == 1 else [builder.mul(size, width), size]
            result = make_array(view)(context, builder)
            data = builder.bitcast(data, result.data.type)
            populate_array(result, data, shape, strides, size, meminfo=None)
            return result._getvalue()

        return view(buffer, bounds, types.intp, kind), code

    # To numba's own types nobody may call an intrinsic; compiled code does.
    return cast(Callable[[Bytes, Places, int, type[Scalar]], npt.NDArray[Scalar]], intrinsic(typed))


array = _found(1)
sheet = _found(2)


@compiled
def unpacked(buffer: Bytes, bounds: Places) -> ShapTables:
    """The `Tables` that were packed, as views of the buffer."""
    codes = Codes(
        array(buffer, bounds, 0, np.int64),
        array(buffer, bounds, 1, np.int64),
        array(buffer, bounds, 2, np.int64),
        array(buffer, bounds, 3, np.float64),
        array(buffer, bounds, 4, np.int64),
        array(buffer, bounds, 5, np.int64),
        array(buffer, bounds, 6, np.uint8),
        array(buffer, bounds, 7, np.uint8),
        array(buffer, bounds, 8, np.int64),
        array(buffer, bounds, 9, np.int64),
        array(buffer, bounds, 10, np.int64),
        array(buffer, bounds, 11, np.int64),
    )
    indices = Indices(
        array(buffer, bounds, 12, np.uint8),
        array(buffer, bounds, 13, np.int64),
        array(buffer, bounds, 14, np.int32),
        array(buffer, bounds, 15, np.uint8),
        array(buffer, bounds, 16, np.uint8),
    )
    sums = Sums(
        array(buffer, bounds, 17, np.int64),
        sheet(buffer, bounds, 18, np.int64),
        array(buffer, bounds, 19, np.int32),
        array(buffer, bounds, 20, np.int32),
        array(buffer, bounds, 21, np.float64),
    )
    lone = Lone(
        array(buffer, bounds, 22, np.int64),
        array(buffer, bounds, 23, np.int64),
        array(buffer, bounds, 24, np.int64),
        array(buffer, bounds, 25, np.int32),
        array(buffer, bounds, 26, np.int32),
        array(buffer, bounds, 27, np.bool_),
        array(buffer, bounds, 28, np.int32),
        array(buffer, bounds, 29, np.uint8),
        array(buffer, bounds, 30, np.int32),
        array(buffer, bounds, 31, np.bool_),
        array(buffer, bounds, 32, np.float64),
        array(buffer, bounds, 33, np.float64),
    )
    points = sheet(buffer, bounds, 34, np.float64)
    weights = sheet(buffer, bounds, 35, np.float64)
    return ShapTables(codes, indices, sums, lone, points, weights)
