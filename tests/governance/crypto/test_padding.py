"""Padding: what goes in comes out, and the length that shows is one of the few that were asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.crypto.errors import CorruptEnvelope
from governance.crypto.padding import BUCKETS, buckets, pad, unpad

sizes = st.integers(1, 64) | st.lists(st.integers(1, 200), min_size=1, max_size=4, unique=True).map(
    lambda each: tuple(sorted(each))
)


@given(st.binary(max_size=500), sizes)
def test_what_goes_in_comes_out_at_the_smallest_size_that_fits(value: bytes, to: int | tuple[int, ...]) -> None:
    inner = pad(value, to)
    assert unpad(inner) == value
    steps = (to,) if isinstance(to, int) else to
    needed = len(value) + 4
    fitting = [size for size in steps if size >= needed]
    assert len(inner) == (fitting[0] if fitting else needed + -needed % steps[-1])


def test_all_short_values_of_a_field_look_alike() -> None:
    for name in BUCKETS:
        assert len({len(pad(b"x" * length, buckets(name))) for length in range(12)}) == 1
    assert len(pad(b"", buckets("name"))) == 32
    assert len(pad(b"x" * 29, buckets("name"))) == 64
    assert len(pad(b"x" * 200, buckets("name"))) == 256  # above the last size, multiples of it


def test_a_field_names_a_padding_that_exists_or_sizes_that_ascend() -> None:
    assert buckets((8, 16)) == (8, 16)
    assert buckets(8) == 8
    with pytest.raises(ValueError, match="address, code, name, text"):
        buckets("nmae")
    for refused in (0, -1, (), (0, 8), (16, 8), (8, 8)):
        with pytest.raises(ValueError, match="ascending"):
            buckets(refused)
        with pytest.raises(ValueError, match="ascending"):
            pad(b"x", refused)


@pytest.mark.parametrize("inner", [b"", b"\0\0\0", b"\0\0\0\1", b"\0\0\0\1A\1", b"\xff\xff\xff\xffA"])
def test_padding_of_a_faulty_writer_is_refused(inner: bytes) -> None:
    with pytest.raises(CorruptEnvelope):
        unpad(inner)
