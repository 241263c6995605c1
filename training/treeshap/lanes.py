"""Eight numbers side by side, as processors have them and numba has not.

A loop over eight numbers becomes such instructions only where the compiler can prove that what
is written is not read again, which it cannot for rows of one array.
"""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.base import BaseContext
from numba.core.datamodel.manager import DataModelManager
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import intrinsic, models, register_model

# What numba asks of an intrinsic: its signature, and how a call is written.
Written = Callable[[BaseContext, ir.IRBuilder, Signature, Sequence[ir.Value]], ir.Value]
Typed = tuple[Signature, Written]
Floats = npt.NDArray[np.float64]

LANES = 8

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)


class Lanes(types.Type):
    """The type of eight float64."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: DataModelManager, kind: types.Type) -> None:
        super().__init__(manager, kind, _VECTOR)  # type: ignore[no-untyped-call]


_LANES = Lanes()


def _lane(number: int) -> ir.Constant:
    return ir.Constant(ir.IntType(32), number)


def _operation(
    write: Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value],
) -> Callable[[Lanes, Lanes], Lanes]:
    """A function of two `Lanes` that is the one instruction which `write` writes."""

    # numba looks at the number of arguments.
    def typed(_context: Context, one: types.Type, other: types.Type) -> Typed:
        del one, other

        def code(
            _context: BaseContext,
            builder: ir.IRBuilder,
            _signature: Signature,
            arguments: Sequence[ir.Value],
        ) -> ir.Value:
            return write(builder, *arguments)

        return _LANES(_LANES, _LANES), code

    # To numba's own types nobody may call an intrinsic; compiled code does.
    return cast(Callable[[Lanes, Lanes], Lanes], intrinsic(typed))


plus = _operation(lambda builder, one, other: builder.fadd(one, other))
minus = _operation(lambda builder, one, other: builder.fsub(one, other))
multiplied = _operation(lambda builder, one, other: builder.fmul(one, other))
over = _operation(lambda builder, one, other: builder.fdiv(one, other))


def _spread(_context: Context, number: types.Type) -> Typed:
    """A number on all lanes."""

    def code(
        _context: BaseContext,
        builder: ir.IRBuilder,
        _signature: Signature,
        arguments: Sequence[ir.Value],
    ) -> ir.Value:
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), arguments[0], _lane(0))
        order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(one, one, order)

    return _LANES(types.float64), code


on_all_lanes = cast(Callable[[float], Lanes], intrinsic(_spread))


def _added(_context: Context, number: types.Type, lanes: types.Type) -> Typed:
    """A number and all lanes, added up in their order."""

    def code(
        _context: BaseContext,
        builder: ir.IRBuilder,
        _signature: Signature,
        arguments: Sequence[ir.Value],
    ) -> ir.Value:
        sum_, lanes = arguments
        for lane in range(LANES):
            sum_ = builder.fadd(sum_, builder.extract_element(lanes, _lane(lane)))
        return sum_

    return types.float64(types.float64, _LANES), code


added = cast(Callable[[float, Lanes], float], intrinsic(_added))


def _place(
    context: BaseContext,
    builder: ir.IRBuilder,
    array_type: types.Array,
    array: ir.Value,
    row: ir.Value,
) -> ir.Value:
    """The pointer to eight numbers of a flat array."""
    data = cgutils.create_struct_proxy(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [row]), _VECTOR.as_pointer())


def _read(_context: Context, array: types.Array, first: types.Type) -> Typed:
    """The eight numbers of a flat float64 array from `first` on."""

    def code(
        context: BaseContext,
        builder: ir.IRBuilder,
        signature: Signature,
        arguments: Sequence[ir.Value],
    ) -> ir.Value:
        pointer = _place(context, builder, signature.args[0], *arguments)
        return builder.load(pointer, align=8)

    return _LANES(array, types.uint64), code


read_lanes = cast(Callable[[Floats, np.uint64], Lanes], intrinsic(_read))


def _write(_context: Context, array: types.Array, first: types.Type, lanes: types.Type) -> Typed:
    """Writes eight numbers into a flat float64 array from `first` on."""

    def code(
        context: BaseContext,
        builder: ir.IRBuilder,
        signature: Signature,
        arguments: Sequence[ir.Value],
    ) -> ir.Value:
        pointer = _place(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], pointer, align=8)
        return context.get_dummy_value()

    return types.void(array, types.uint64, _LANES), code


write_lanes = cast(Callable[[Floats, np.uint64, Lanes], None], intrinsic(_write))
