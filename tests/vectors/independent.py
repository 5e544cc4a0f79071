"""A second reading of docs/envelope.md that shares no code with the project; run it to write its vectors again.

    python -m tests.vectors.independent

Keys and nonces here are fixed and public: never use them, or this way of choosing a nonce, for data.
"""

import hashlib
import hmac
import json
import struct
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

HERE = Path(__file__).parent
PROVENANCE = "Ours: made by tests/vectors/independent.py from docs/envelope.md, with fixed keys and nonces."

KEY = bytes(range(32))
OTHER_KEY = bytes(range(32, 64))
KEY_ID = bytes.fromhex("00112233445566ff")
NONCE = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaab")
LONG_NONCE = bytes(range(0xA0, 0xB8))
SUBJECT_PLACE = {
    "controller": "6b0c9d2f4e1a4c7b8f3d5a6e7c8b9a01",
    "label": "subject_identifier.value",
    "scope_kind": "subject",
    "scope_id": "0197f3a2b1c07d3e9a4b5c6d7e8f9012",
}
REQUEST_PLACE = SUBJECT_PLACE | {"label": "outgoing_mail.body", "scope_kind": "request", "scope_id": "ab"}
CONTROLLER_PLACE = SUBJECT_PLACE | {"label": "system.url", "scope_kind": "controller"}


def lp(*parts: str) -> bytes:
    return b"".join(struct.pack(">I", len(part.encode())) + part.encode() for part in parts)


def envelope(plaintext: bytes, place: dict[str, str], *, head: bytes, key: bytes = KEY, nonce: bytes = NONCE) -> bytes:
    """Lay the bytes out for a given header and an inner plaintext that is already padded if it should be."""
    bound = b"cxp/1" + head + lp(place["controller"], place["label"], place["scope_kind"], place["scope_id"])
    match head[2]:
        case 2:
            return head + nonce + extended(key, nonce, plaintext, bound)
        case 4:
            return head + synthetic(derived(key, ["token"], 64), plaintext, bound)
        case _:
            return head + nonce + AESGCM(key).encrypt(nonce, plaintext, bound)


def extended(key: bytes, nonce: bytes, plaintext: bytes, bound: bytes) -> bytes:
    """XAES-256-GCM by way of the counter KDF of SP 800-108r1 that it is defined with."""
    kdf = KBKDFCMAC(
        algorithm=algorithms.AES,
        mode=Mode.CounterMode,
        length=32,
        rlen=2,
        llen=None,
        location=CounterLocation.BeforeFixed,
        label=None,
        context=None,
        fixed=b"X\x00" + nonce[:12],
    )
    return AESGCM(kdf.derive(key)).encrypt(nonce[12:], plaintext, bound)


def synthetic(key: bytes, plaintext: bytes, bound: bytes) -> bytes:
    """AES-SIV spelled out (RFC 5297 §2.4 to §2.6) for one piece of bound data."""

    def mac(data: bytes) -> bytes:
        cmac = CMAC(algorithms.AES(key[:32]))
        cmac.update(data)
        return cmac.finalize()

    def doubled(block: bytes) -> bytes:
        number = int.from_bytes(block, "big") << 1
        return (number ^ (0x87 | 1 << 128) if number >> 128 else number).to_bytes(16, "big")

    def xored(left: bytes, right: bytes) -> bytes:
        return bytes(a ^ b for a, b in zip(left, right, strict=True))

    sum_ = xored(doubled(mac(bytes(16))), mac(bound))
    if len(plaintext) >= 16:
        vector = mac(plaintext[:-16] + xored(plaintext[-16:], sum_))
    else:
        vector = mac(xored(doubled(sum_), (plaintext + b"\x80").ljust(16, b"\x00")))
    counter = bytearray(vector)
    counter[8] &= 0x7F
    counter[12] &= 0x7F
    return vector + Cipher(algorithms.AES(key[32:]), modes.CTR(bytes(counter))).encryptor().update(plaintext)


def head(flags: int, *, version: int = 1, suite: int = 1, marker: int = 0xFE) -> bytes:
    return struct.pack("BBBB", marker, version, suite, flags) + KEY_ID


def padded(plaintext: bytes, multiple: int) -> bytes:
    inner = struct.pack(">I", len(plaintext)) + plaintext
    while len(inner) % multiple:
        inner += b"\x00"
    return inner


def wrapped(key: bytes, parts: list[str], *, under: bytes = KEY, nonce: bytes = NONCE) -> bytes:
    return nonce + AESGCM(under).encrypt(nonce, key, b"cxp/wrap/1" + lp(*parts))


def derived(key: bytes, labels: list[str], length: int = 32) -> bytes:
    info, block, output = b"cxp/derive/1" + lp(*labels), b"", b""
    for counter in range(1, 256):
        block = hmac.new(key, block + info + bytes([counter]), hashlib.sha256).digest()
        output += block
        if len(output) >= length:
            break
    return output[:length]


def committed(key: bytes, key_id: bytes) -> bytes:
    return hmac.new(derived(key, ["commitment"]), key_id, hashlib.sha256).digest()


def indexed(key: bytes, normalised: str, version: int, bits: int) -> bytes:
    message = b"cxp/index/1" + bytes([version, bits]) + normalised.encode()
    digest = hmac.new(key, message, hashlib.sha256).digest()
    spelled = "".join(f"{byte:08b}" for byte in digest)[:bits]
    spelled += "0" * (-len(spelled) % 8)
    return bytes([version]) + bytes(int(spelled[at : at + 8], 2) for at in range(0, len(spelled), 8))


def opening() -> list[dict[str, Any]]:
    cases: list[tuple[str, int, bytes, dict[str, str], int | None]] = [
        ("a person's address", 1, "zoë@example.com".encode(), SUBJECT_PLACE, None),
        ("an empty value", 1, b"", SUBJECT_PLACE, None),
        ("a value of a request", 1, b"Hello", REQUEST_PLACE, None),
        ("a padded value", 1, b"NL", SUBJECT_PLACE, 32),
        ("an empty padded value", 1, b"", REQUEST_PLACE, 16),
        ("a padded value that fills its bucket", 1, b"x" * 28, SUBJECT_PLACE, 32),
        ("a value of the controller", 2, b"postgresql://db.example/crm", CONTROLLER_PLACE, None),
        ("an empty value of the controller", 2, b"", CONTROLLER_PLACE, None),
        ("a padded value of the controller", 2, b"NL", CONTROLLER_PLACE, 16),
        ("a person's token", 4, b"NL", SUBJECT_PLACE, None),
        ("a person's token of a longer value", 4, "zoë@example.com, zoë@example.org".encode(), SUBJECT_PLACE, None),
        ("a person's padded token", 4, b"NL", SUBJECT_PLACE, 32),
    ]
    vectors = []
    for name, suite, plaintext, place, pad_to in cases:
        flags = (2 if place["scope_kind"] == "subject" else 0) | (1 if pad_to else 0)
        inner = padded(plaintext, pad_to) if pad_to else plaintext
        nonce = LONG_NONCE if suite == 2 else NONCE
        sealed = envelope(inner, place, head=head(flags, suite=suite), nonce=nonce)
        vectors.append(case(name, sealed, place, suite) | {"plaintext": plaintext.hex()})
    return vectors


def refusing() -> list[dict[str, Any]]:
    good = envelope(b"secret", SUBJECT_PLACE, head=head(2))
    wide = envelope(b"secret", CONTROLLER_PLACE, head=head(0, suite=2), nonce=LONG_NONCE)
    corrupt = {
        "empty": b"",
        "text, not an envelope": b"alice@example.com, as plain text in the column",
        "another marker": envelope(b"secret", SUBJECT_PLACE, head=head(2, marker=0xFF)),
        "version 0": envelope(b"secret", SUBJECT_PLACE, head=head(2, version=0)),
        "version 2": envelope(b"secret", SUBJECT_PLACE, head=head(2, version=2)),
        "suite 0": envelope(b"secret", SUBJECT_PLACE, head=head(2, suite=0)),
        "suite 3, set aside": envelope(b"secret", SUBJECT_PLACE, head=head(2, suite=3)),
        "suite 5, set aside": envelope(b"secret", SUBJECT_PLACE, head=head(2, suite=5)),
        "suite 6, a stream and no envelope": envelope(b"secret", SUBJECT_PLACE, head=head(2, suite=6)),
        "suite 2, shorter than its nonce and tag": wide[:51],
        "reserved flag bit 2": envelope(b"secret", SUBJECT_PLACE, head=head(6)),
        "reserved flag bit 7": envelope(b"secret", SUBJECT_PLACE, head=head(130)),
        "header only": good[:12],
        "shorter than a tag": good[:39],
        "padding longer than the value": envelope(b"\x00\x00\x00\x07secret", SUBJECT_PLACE, head=head(3)),
        "padding without its length": envelope(b"\x00\x00\x00", SUBJECT_PLACE, head=head(3)),
        "padding that is not zero": envelope(b"\x00\x00\x00\x01A\x01", SUBJECT_PLACE, head=head(3)),
    }
    failing = {
        "last byte missing": good[:-1],
        "trailing byte": good + b"\x00",
        "first tag bit flipped": good[:-16] + bytes([good[-16] ^ 0x80]) + good[-15:],
        "nonce changed": good[:12] + bytes([good[12] ^ 1]) + good[13:],
        "padded flag added": good[:3] + b"\x03" + good[4:],
        "subject flag removed": good[:3] + b"\x00" + good[4:],
        "another key id": good[:4] + bytes([good[4] ^ 1]) + good[5:],
        "under another key": envelope(b"secret", SUBJECT_PLACE, head=head(2), key=OTHER_KEY),
        "suite 2 under a person's key": envelope(b"secret", SUBJECT_PLACE, head=head(2, suite=2), nonce=LONG_NONCE),
        "suite 4 where a value is expected": envelope(b"a secret of some length", SUBJECT_PLACE, head=head(2, suite=4)),
    }
    failing_wide = {
        "suite 1 under a controller's key": envelope(b"a long enough secret", CONTROLLER_PLACE, head=head(0)),
        "suite 2, last byte missing": wide[:-1],
        "suite 2, first byte of the nonce changed": wide[:12] + bytes([wide[12] ^ 1]) + wide[13:],
        "suite 2, last byte of the nonce changed": wide[:35] + bytes([wide[35] ^ 1]) + wide[36:],
    }
    moved = {
        f"moved to another {field}": case("", good, SUBJECT_PLACE | {field: SUBJECT_PLACE[field] + "x"})
        for field in SUBJECT_PLACE
    }
    # "ab"+"c" and "a"+"bc": without length prefixes these two places would be one.
    shifted = {"label": SUBJECT_PLACE["label"] + "s", "scope_kind": "ubject"}
    moved["a letter moved between two fields"] = case("", good, SUBJECT_PLACE | shifted)
    return [
        *[case(name, data, SUBJECT_PLACE) | {"error": "CorruptEnvelope"} for name, data in corrupt.items()],
        *[case(name, data, SUBJECT_PLACE) | {"error": "DecryptionFailed"} for name, data in failing.items()],
        *[case(name, data, CONTROLLER_PLACE, 2) | {"error": "DecryptionFailed"} for name, data in failing_wide.items()],
        *[vector | {"name": name, "error": "DecryptionFailed"} for name, vector in moved.items()],
    ]


def case(name: str, data: bytes, place: dict[str, str], suite: int = 1) -> dict[str, Any]:
    """One vector; `suite` is the one of the key that the reader holds, whatever the envelope says."""
    held = {"name": name, "suite": suite, "key": KEY.hex(), "key_id": KEY_ID.hex()}
    return held | {"place": place, "envelope": data.hex()}


def keys() -> dict[str, Any]:
    parts = ["controller", "subject", "00112233445566ff", "data"]
    labels = [["email"], ["controller", "email", "1"], ["a", "bc"], ["ab", "c"]]
    return {
        "provenance": PROVENANCE,
        "wrap": [
            {"under": KEY.hex(), "key": key.hex(), "parts": parts, "wrapped": wrapped(key, parts).hex()}
            for key in (OTHER_KEY, OTHER_KEY + KEY)
        ],
        "derive": [
            {"key": KEY.hex(), "labels": each, "length": length, "derived": derived(KEY, each, length).hex()}
            for each in labels
            for length in (32, 64)
        ],
        "commitment": [{"key": KEY.hex(), "key_id": KEY_ID.hex(), "commitment": committed(KEY, KEY_ID).hex()}],
    }


def indexes() -> dict[str, Any]:
    values = ["zoë@example.com", "+4930123456", ""]
    return {
        "provenance": PROVENANCE,
        "blind_index": [
            {"key": KEY.hex(), "normalised": value, "version": version, "bits": bits}
            | {"index": indexed(KEY, value, version, bits).hex()}
            for value in values
            for version in (1, 2, 255)
            for bits in (1, 12, 16, 127, 128)
        ],
    }


def write(name: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (HERE / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write("envelope.json", {"provenance": PROVENANCE, "opens": opening(), "refused": refusing()})
    write("keys.json", keys())
    write("blind_index.json", indexes())
