"""Streams: the published bytes open, every damage is refused, and nothing unverified comes out on the way."""

import io
import pickle
import zlib
from hashlib import sha512
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.crypto import chunked
from governance.crypto.chunked import CHUNK, StreamReader, decrypt_stream, encrypt_stream, sealed_length
from governance.crypto.errors import CorruptEnvelope, CryptoError, DecryptionFailed
from tests.governance.crypto.vectors import load

CASES = load("chunked.json")["cases"]
KEY = bytes(range(32))
EDGES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7]


def named(case: dict[str, Any]) -> str:
    return str(case["name"])


def inputs(case: dict[str, Any]) -> tuple[bytes, io.BytesIO, bytes]:
    ciphertext = zlib.decompress(bytes.fromhex(case["ciphertext_zlib"]))
    return bytes.fromhex(case["key"]), io.BytesIO(ciphertext), bytes.fromhex(case["context"])


def sealed(message: bytes, context: bytes = b"") -> bytes:
    return b"".join(encrypt_stream(KEY, [message], context))


def streamed(ciphertext: bytes, context: bytes = b"") -> bytes:
    return b"".join(decrypt_stream(KEY, io.BytesIO(ciphertext), context))


def sought(ciphertext: bytes, context: bytes = b"") -> bytes:
    return StreamReader(KEY, io.BytesIO(ciphertext), context).readall()


@pytest.mark.parametrize("case", [case for case in CASES if case["result"] == "valid"], ids=named)
def test_a_published_message_opens_both_ways(case: dict[str, Any]) -> None:
    for message in (b"".join(decrypt_stream(*inputs(case))), StreamReader(*inputs(case)).readall()):
        assert (len(message), sha512(message).hexdigest()) == (case["length"], case["sha512"])


@pytest.mark.parametrize("case", [case for case in CASES if case["result"] == "invalid"], ids=named)
def test_a_published_damage_is_refused_after_at_most_its_valid_beginning(case: dict[str, Any]) -> None:
    given_out = bytearray()
    chunks = decrypt_stream(*inputs(case))
    with pytest.raises(CryptoError):
        given_out += b"".join(_collect(chunks, given_out))
    if "PartialPlaintext" in case["flags"]:
        assert (len(given_out), sha512(given_out).hexdigest()) == (case["length"], case["sha512"])
    else:
        assert not given_out
    assert list(chunks) == []  # an error is final: no clean end follows it


@pytest.mark.parametrize("case", [case for case in CASES if case["result"] == "invalid"], ids=named)
def test_a_published_damage_is_refused_when_read_from_any_place(case: dict[str, Any]) -> None:
    if "ValidFinalChunk" in case["flags"]:
        reader = StreamReader(*inputs(case))  # its length is proven; the damage lies before
        with pytest.raises(DecryptionFailed):
            reader.readall()
        with pytest.raises(DecryptionFailed):
            reader.readall()
    else:
        with pytest.raises(CryptoError):
            StreamReader(*inputs(case))


def _collect(chunks: Any, given_out: bytearray) -> list[bytes]:
    for chunk in chunks:
        given_out += chunk
    return []


@pytest.mark.parametrize("length", [*EDGES, 256 * CHUNK + 3])
def test_round_trip_at_the_edges_and_past_one_byte_of_chunks(length: int) -> None:
    message = bytes(length)
    ciphertext = sealed(message, b"context")
    assert len(ciphertext) == sealed_length(length)
    assert streamed(ciphertext, b"context") == sought(ciphertext, b"context") == message


@given(
    pieces=st.lists(st.binary(max_size=200) | st.just(bytes(CHUNK)) | st.just(bytes(5000)), max_size=8),
    at=st.integers(0, 3 * CHUNK),
    size=st.integers(0, 2 * CHUNK),
)
@settings(deadline=None)
def test_any_pieces_read_at_any_place(pieces: list[bytes], at: int, size: int) -> None:
    message = b"".join(pieces)
    reader = io.BufferedReader(StreamReader(KEY, io.BytesIO(b"".join(encrypt_stream(KEY, pieces)))))
    reader.seek(at)
    assert reader.read(size) == message[at : at + size]
    reader.seek(-min(len(message), 3), io.SEEK_END)
    assert reader.read() == message[max(len(message) - 3, 0) :]


@given(st.data())
@settings(deadline=None)
def test_any_changed_byte_truncation_or_extension_is_refused(data: st.DataObject) -> None:
    length = data.draw(st.sampled_from(EDGES))
    ciphertext = bytearray(sealed(bytes(length)))
    match data.draw(st.sampled_from(["change", "truncate", "extend", "swap"])):
        case "change":
            ciphertext[data.draw(st.integers(0, len(ciphertext) - 1))] ^= data.draw(st.integers(1, 255))
        case "truncate":
            edges = [each for each in (0, 55, 56, 71, 72, 56 + CHUNK, 56 + CHUNK + 16) if each < len(ciphertext)]
            del ciphertext[data.draw(st.sampled_from(edges) | st.integers(0, len(ciphertext) - 1)) :]
        case "extend":
            ciphertext += data.draw(st.binary(min_size=1, max_size=40))
        case _:
            ciphertext = bytearray(sealed(bytes(2 * CHUNK)))
            first, second = slice(56, 56 + CHUNK + 16), slice(56 + CHUNK + 16, 56 + 2 * (CHUNK + 16))
            ciphertext[first], ciphertext[second] = ciphertext[second], ciphertext[first]
    for opened in (streamed, sought):
        with pytest.raises(CryptoError):
            opened(bytes(ciphertext))


def test_another_key_context_or_message_is_refused_before_any_chunk() -> None:
    ciphertext = sealed(b"value", b"place")
    for key, context in ((bytes(32), b"place"), (KEY, b"elsewhere"), (KEY, b"")):
        with pytest.raises(DecryptionFailed):
            next(decrypt_stream(key, io.BytesIO(ciphertext), context))
        with pytest.raises(DecryptionFailed):
            StreamReader(key, io.BytesIO(ciphertext), context)
    other = sealed(b"other", b"place")
    with pytest.raises(DecryptionFailed):  # the chunk of one message under the prefix of another
        sought(ciphertext[:56] + other[56:], b"place")


@pytest.mark.parametrize("length", [0, 55, 56, 71, 56 + CHUNK + 16, 56 + CHUNK + 16 + 15])
def test_lengths_that_no_message_has_are_corrupt(length: int) -> None:
    with pytest.raises(CorruptEnvelope):
        StreamReader(KEY, io.BytesIO(sealed(bytes(3 * CHUNK))[:length]))


def test_a_reader_starts_where_its_source_stands_and_closes_it() -> None:
    source = io.BytesIO(b"head" + sealed(b"value"))
    source.seek(4)
    reader = StreamReader(KEY, source)
    assert (reader.readable(), reader.seekable(), reader.writable(), reader.length) == (True, True, False, 5)
    assert (reader.read(2), reader.tell(), reader.seek(1, io.SEEK_CUR), reader.read()) == (b"va", 2, 3, b"ue")
    assert reader.read() == b""
    with pytest.raises(ValueError, match="before its beginning"):
        reader.seek(-1)
    with pytest.raises(TypeError):
        pickle.dumps(reader)
    reader.close()
    assert source.closed


def test_the_counter_and_the_key_have_their_limits() -> None:
    with pytest.raises(ValueError, match="2\\^38"):
        chunked._Message(KEY, bytes(24), b"").encrypted(1 << 38, b"")  # noqa: SLF001  # no stream gets there
    with pytest.raises(ValueError, match="32 bytes"):
        next(encrypt_stream(bytes(16), [b""]))
