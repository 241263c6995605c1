"""Eight numbers side by side, as processors have them and numba has not.

A loop over eight numbers becomes such instructions only where the compiler can prove that what
is written is not read again, which it cannot for rows of one array.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, register_model

LANES = 8

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)


class Lanes(types.Type):
    """The type of eight float64."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)  # type: ignore[no-untyped-call]


_LANES = Lanes()


def _lane(number: int) -> Any:
    return ir.Constant(ir.IntType(32), number)


def _operation(write: Callable[[Any, Any, Any], Any]) -> Any:
    """A function of two `Lanes` that is the one instruction which `write` writes."""

    def typed(_context: Any, one: Any, other: Any) -> Any:  # numba looks at the arguments' number
        del one, other

        def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return write(builder, *arguments)

        return _LANES(_LANES, _LANES), code

    return intrinsic(typed)


plus = _operation(lambda builder, one, other: builder.fadd(one, other))
minus = _operation(lambda builder, one, other: builder.fsub(one, other))
multiplied = _operation(lambda builder, one, other: builder.fmul(one, other))
over = _operation(lambda builder, one, other: builder.fdiv(one, other))


def _spread(_context: Any, number: Any) -> Any:
    """A number on all lanes."""

    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), arguments[0], _lane(0))
        order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(one, one, order)

    return _LANES(types.float64), code


on_all_lanes: Any = intrinsic(_spread)


def _added(_context: Any, number: Any, lanes: Any) -> Any:
    """A number and all lanes, added up in their order."""

    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        sum_, lanes = arguments
        for lane in range(LANES):
            sum_ = builder.fadd(sum_, builder.extract_element(lanes, _lane(lane)))
        return sum_

    return types.float64(types.float64, _LANES), code


added: Any = intrinsic(_added)


def _place(context: Any, builder: Any, array_type: Any, array: Any, row: Any) -> Any:
    """The pointer to eight numbers of a flat array."""
    data = cgutils.create_struct_proxy(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [row]), _VECTOR.as_pointer())


def _read(_context: Any, array: Any, first: Any) -> Any:
    """The eight numbers of a flat float64 array from `first` on."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _place(context, builder, signature.args[0], *arguments)
        return builder.load(pointer, align=8)

    return _LANES(array, types.uint64), code


read_lanes: Any = intrinsic(_read)


def _write(_context: Any, array: Any, first: Any, lanes: Any) -> Any:
    """Writes eight numbers into a flat float64 array from `first` on."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _place(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], pointer, align=8)
        return context.get_dummy_value()

    return types.void(array, types.uint64, _LANES), code


write_lanes: Any = intrinsic(_write)
