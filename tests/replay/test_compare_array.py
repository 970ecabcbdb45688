"""When do two NumPy files hold the same?"""

from __future__ import annotations

import io
from typing import Any

import numpy
import pytest

from auditor.replay.compare import look
from auditor.replay.compare.content import Content
from auditor.replay.compare.ledger import Compared
from auditor.replay.compare.rules import Rules
from auditor.verdict import Sameness


def npy(values: Any, dtype: str = "f8", order: Any = "C") -> bytes:
    out = io.BytesIO()
    numpy.save(out, numpy.array(values, dtype=dtype, order=order))
    return out.getvalue()


def npz(**arrays: Any) -> bytes:
    out = io.BytesIO()
    numpy.savez(out, **arrays)
    return out.getvalue()


def compare(expected: bytes, actual: bytes, name: str = "weights.npy") -> Compared:
    return look(Content(name, raw=expected), Content(name, raw=actual), Rules())


def test_close_floats_are_equivalent_and_the_largest_difference_is_told() -> None:
    compared = compare(npy([1.0, 2.0]), npy([1.0, 2.0000001]))
    assert compared.sameness is Sameness.EQUIVALENT
    assert compared.detail == "within rtol 1e-06, atol 1e-12; largest relative difference 5e-08 at [1]"


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", "c8", "c16"])
def test_every_float_type_is_read_with_no_numpy_in_our_code(dtype: str) -> None:
    assert compare(npy([1.5, 2.5], dtype), npy([1.5, 3.5], dtype)).sameness is Sameness.DIFFERENT
    same_values = compare(npy([1.5, -0.0], dtype), npy([1.5, 0.0], dtype))
    assert same_values.sameness is Sameness.EQUIVALENT


@pytest.mark.parametrize(
    ("expected", "actual", "detail"),
    [
        (npy([[1.0], [2.0]]), npy([[1.0, 2.0]]), " shape: (2, 1) became (1, 2)"),
        (npy([1.0]), npy([1.0], "f4"), " type: <f8 became <f4"),
        (npy([7], "i8"), npy([8], "i8"), "[0]: 7 became 8"),
        (npy([float("nan"), 1.0]), npy([float("nan"), 1.0000001]), "[0]: nan became nan"),
        (npy([True], "b1"), npy([False], "b1"), "[0]: True became False"),
    ],
)
def test_shape_type_integers_and_nan_are_never_equivalent(expected: bytes, actual: bytes, detail: str) -> None:
    assert compare(expected, actual) == Compared(Sameness.DIFFERENT, "numpy", detail)


def test_archives_are_compared_array_by_array() -> None:
    one, other = npz(a=numpy.ones(2), b=numpy.zeros(1)), npz(a=numpy.ones(2) + 1e-9, c=numpy.zeros(1))
    assert compare(one, other, "model.npz").detail == "b.npy: present became absent\nc.npy: absent became present"


def test_pickled_objects_are_compared_by_bytes_and_never_loaded() -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (pytest.fail, ("a pickle was run",))

    out = io.BytesIO()
    numpy.save(out, numpy.array([Bomb()], dtype=object), allow_pickle=True)
    assert compare(out.getvalue(), out.getvalue() + b"\xff").comparator == "bytes"


def test_a_header_that_promises_more_values_than_there_are_is_no_array() -> None:
    assert compare(npy([1.0, 2.0])[:-8], npy([1.0, 2.0])).comparator == "bytes"
