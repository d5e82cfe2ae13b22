"""Sealed documents: what goes in comes out, sensitive fields open at their place only, damage is noticed."""

from __future__ import annotations

import base64
import json
import random
import re
import secrets
import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from masterflow.errors import ConfigurationInvalid, InvalidInput
from masterflow.store.sealing import COMPRESS_ABOVE, LARGEST_DOCUMENT, Place, SealBroken, Sealer

PLACE = Place(uuid4(), uuid4(), uuid4())
KEY = secrets.token_bytes(32)
SECRET = "correct horse"


class Colour(StrEnum):
    """A text enumeration."""

    RED = "red"


class Level(IntEnum):
    """A number enumeration."""

    HIGH = 3


class Day(Enum):
    """An enumeration of a tagged type."""

    FIRST = date(2026, 11, 20)


class Inner(BaseModel):
    """A model inside another one."""

    at: datetime
    colour: Colour


class Outer(BaseModel):
    """A model with a nested one."""

    inner: Inner
    amounts: list[Decimal]


def _stored(packed: bytes) -> dict[str, Any]:
    assert packed[:1] == b"J"
    return json.loads(packed[1:])


def _altered(packed: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    document = _stored(packed)
    change(document)
    return b"J" + json.dumps(document).encode()


def _unfolded(at: datetime) -> datetime:
    """Without the mark for a repeated hour, which no text form of a time has."""
    return at.replace(fold=0)


_SIMPLE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
    | st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=5, minutes=30))])).map(_unfolded)
    | st.dates()
    | st.uuids()
    | st.decimals(allow_nan=False)
)
_KEYS = st.sampled_from(["$type", "value", "$$type", "$", "$$enc", "a/b", "a~b", "password", "api_keys", "n", ""])
_DOCUMENTS = st.dictionaries(
    _KEYS, st.recursive(_SIMPLE, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner), max_leaves=12)
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=_DOCUMENTS)
def test_every_document_comes_back_as_it_was(sealer: Sealer, document: dict[str, Any]) -> None:
    opened = sealer.open(sealer.seal(document, PLACE), PLACE)
    assert repr(opened) == repr(document)


@pytest.mark.parametrize(
    "document",
    [
        {"a": {"$type": "uuid", "value": "no uuid"}},
        {"$type": "decimal", "value": "x"},
        {"secret": {"$type": "date", "value": "2026-02-30"}},
        {"a": {"$type": "unknown"}, "$$b": 1, "$c": 2},
        {"a": "C:\\u0000", "b": '\\"\u2028\n'},
    ],
)
def test_data_that_looks_like_the_format_comes_back_unchanged(sealer: Sealer, document: dict[str, Any]) -> None:
    assert sealer.open(sealer.seal(document, PLACE), PLACE) == document


def test_models_become_objects_and_enumerations_their_values(sealer: Sealer) -> None:
    at = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    model = Outer(inner=Inner(at=at, colour=Colour.RED), amounts=[Decimal("1.50")])
    sealed = sealer.seal({"m": model, "e": [Level.HIGH, Day.FIRST], "t": (1, 2), "s": {7}, Colour.RED: 1}, PLACE)
    assert sealer.open(sealed, PLACE) == {
        "m": {"inner": {"at": at, "colour": "red"}, "amounts": [Decimal("1.50")]},
        "e": [3, date(2026, 11, 20)],
        "t": [1, 2],
        "s": [7],
        "red": 1,
    }


@pytest.mark.parametrize(
    "document",
    [
        {"password": SECRET},
        {"a": [{"db_password": SECRET}]},
        {"a": {"b": {"credentials": {"user": "x", "deep": [SECRET]}}}},
        {"connection_strings": [SECRET], "API_KEY": SECRET, "clientSecret": SECRET, "authorization": SECRET},
        {"x": {"private_key": SECRET, "refresh_token": SECRET, "passwd": SECRET}},
    ],
)
def test_a_sensitive_field_is_not_readable_in_the_stored_bytes(sealer: Sealer, document: dict[str, Any]) -> None:
    packed = sealer.seal(document, PLACE)
    assert SECRET.encode() not in packed
    assert sealer.open(packed, PLACE) == document


def test_a_field_that_is_not_sensitive_is_stored_as_it_is(sealer: Sealer) -> None:
    assert _stored(sealer.seal({"name": SECRET, "password": None}, PLACE)) == {"name": SECRET, "password": None}


def test_without_permission_sensitive_fields_are_masked_at_any_depth(sealer: Sealer) -> None:
    document = {"a": [{"b": {"password": SECRET, "name": "x"}}], "credentials": {"u": 1}, "at": date(2026, 1, 1)}
    assert sealer.open(sealer.seal(document, PLACE), PLACE, reveal=False) == {
        "a": [{"b": {"password": "***", "name": "x"}}],
        "credentials": "***",
        "at": date(2026, 1, 1),
    }


def test_masking_needs_no_key(sealer: Sealer) -> None:
    packed = sealer.seal({"password": SECRET}, PLACE)
    other = Sealer({"other": secrets.token_bytes(32)}, nonce=partial(secrets.token_bytes, 12))
    assert other.open(packed, PLACE, reveal=False) == {"password": "***"}


@pytest.mark.parametrize("part", ["client_account_id", "engagement_id", "flow_id"])
def test_a_sealed_field_does_not_open_at_another_place(sealer: Sealer, part: str) -> None:
    packed = sealer.seal({"a": {"password": SECRET}}, PLACE)
    with pytest.raises(SealBroken, match="does not open here") as broken:
        sealer.open(packed, replace(PLACE, **{part: uuid4()}))
    assert broken.value.where["field"] == "/a/password"


@pytest.mark.parametrize(
    "document",
    [
        {"a": {"password": "1"}, "b": {"password": "2"}},
        {"a/b": {"password": "1"}, "a": {"b": {"password": "2"}}},
        {"a": [{"password": "1"}, {"password": "2"}]},
        {"a": {"password": "1", "secret": "2"}},
    ],
)
def test_two_sealed_fields_cannot_be_exchanged(sealer: Sealer, document: dict[str, Any]) -> None:
    packed = sealer.seal(document, PLACE)
    first, second = re.findall(rb'\{"\$enc".*?\}', packed)
    swapped = packed.replace(first, b"@").replace(second, first).replace(b"@", second)
    with pytest.raises(SealBroken):
        sealer.open(swapped, PLACE)


def test_a_field_sealed_with_an_unknown_key_does_not_open(sealer: Sealer) -> None:
    packed = sealer.seal({"password": SECRET}, PLACE)
    other = Sealer({"other": secrets.token_bytes(32)}, nonce=partial(secrets.token_bytes, 12))
    with pytest.raises(SealBroken):
        other.open(packed, PLACE)


def test_a_new_first_key_seals_and_the_old_one_still_opens() -> None:
    nonce = partial(secrets.token_bytes, 12)
    old = Sealer({"old": KEY}, nonce=nonce)
    both = Sealer({"new": secrets.token_bytes(32), "old": KEY}, nonce=nonce)
    assert both.open(old.seal({"token": SECRET}, PLACE), PLACE) == {"token": SECRET}
    assert _stored(both.seal({"token": SECRET}, PLACE))["token"]["kid"] == "new"


def test_the_name_of_the_key_is_authenticated() -> None:
    both = Sealer({"one": KEY, "two": KEY}, nonce=partial(secrets.token_bytes, 12))
    packed = both.seal({"token": SECRET}, PLACE)
    with pytest.raises(SealBroken):
        both.open(packed.replace(b'"one"', b'"two"'), PLACE)


@pytest.mark.parametrize(
    "token",
    [
        {"c": "AAAA"},
        {"n": "AAAA"},
        {"n": ""},
        {"c": None},
        {"kid": ["key-1"]},
        {"n": "not base 64"},
    ],
)
def test_an_altered_encrypted_field_does_not_open(sealer: Sealer, token: dict[str, object]) -> None:
    packed = sealer.seal({"password": SECRET}, PLACE)
    with pytest.raises(SealBroken):
        sealer.open(_altered(packed, lambda document: document["password"].update(token)), PLACE)


def test_every_flipped_bit_of_a_ciphertext_is_noticed(sealer: Sealer) -> None:
    packed = sealer.seal({"pin_token": "1"}, PLACE)
    sealed = bytearray(base64.b64decode(_stored(packed)["pin_token"]["c"]))
    for position in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[position // 8] ^= 1 << position % 8
        text = base64.b64encode(flipped).decode()
        with pytest.raises(SealBroken):
            sealer.open(_altered(packed, lambda document, text=text: document["pin_token"].update(c=text)), PLACE)


@pytest.mark.parametrize(
    "document",
    [{"$enc": "v1"}, {"a": [{"$enc": 1}]}, {"password": {"$enc": "v1", "kid": "key-1", "n": "", "c": ""}}],
)
def test_a_forged_encrypted_field_is_refused(sealer: Sealer, document: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="reserved"):
        sealer.seal(document, PLACE)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a\0b", "NUL"),
        ({"a\0": 1}, "NUL"),
        ("half \ud800", "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        (float("nan"), "not finite"),
        (float("-inf"), "not finite"),
        ({1: "a", "1": "b"}, "same text"),
        (b"bytes", "type bytes"),
        (object(), "type object"),
    ],
)
@pytest.mark.parametrize("name", ["field", "password"])
def test_what_cannot_be_stored_is_refused_with_its_place(
    sealer: Sealer, name: str, value: object, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        sealer.seal({"a": [{name: value}]}, PLACE)
    assert refused.value.where["field"] == f"/a/0/{name}"


def test_a_document_that_is_too_deep_is_refused(sealer: Sealer) -> None:
    document: dict[str, Any] = {}
    for _ in range(200):
        document = {"a": [document]}
    with pytest.raises(InvalidInput, match="100 levels"):
        sealer.seal(document, PLACE)


def test_a_document_that_could_not_be_opened_again_is_refused(sealer: Sealer) -> None:
    with pytest.raises(InvalidInput, match="64 MiB"):
        sealer.seal({"a": "x" * LARGEST_DOCUMENT}, PLACE)


def test_documents_above_ten_kibibytes_are_compressed_and_smaller_ones_are_not(sealer: Sealer) -> None:
    frame = len('{"a":""}')
    at, above = ({"a": "x" * (COMPRESS_ABOVE - frame + more)} for more in (0, 1))
    packed = [sealer.seal(document, PLACE) for document in (at, above)]
    assert [data[:1] for data in packed] == [b"J", b"Z"]
    assert len(packed[1]) < 100
    assert [sealer.open(data, PLACE) for data in packed] == [at, above]


def test_the_length_does_not_tell_a_secret_that_stands_beside_a_guess(sealer: Sealer) -> None:
    """Encrypting after compressing would make the guess that equals the secret the shortest."""
    drawn = random.Random(20_261_120)  # the same texts each time: lengths of compressed noise vary
    secret, padding = drawn.randbytes(32).hex(), drawn.randbytes(COMPRESS_ABOVE).hex()
    guesses = [secret, *(drawn.randbytes(32).hex() for _ in range(20))]
    documents = [{"note": guess, "password": secret, "p": padding} for guess in guesses]
    clear = [len(zstandard.ZstdCompressor(level=3).compress(json.dumps(document).encode())) for document in documents]
    sizes = [len(sealer.seal(document, PLACE)) for document in documents]
    assert clear[0] < min(clear[1:]) - 16 < min(sizes) - 16 < sizes[0]


def test_every_sealed_field_has_its_own_nonce(sealer: Sealer) -> None:
    packed = [_stored(sealer.seal({"a": {"password": 1}, "token": 1}, PLACE)) for _ in range(500)]
    nonces = {token["n"] for document in packed for token in (document["a"]["password"], document["token"])}
    assert len(nonces) == 1000


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"X{}",
        b"J",
        b"J{",
        b"J\xff",
        b"J[]",
        b'J"x"',
        b"J" + b"[" * 100_000,
        b"Z\0\0",
        b"Z\0\0\0\x05not zstd",
        b'J{"a":{"$type":"uuid","value":"x"}}',
        b'J{"a":{"$type":"decimal","value":"x"}}',
        b'J{"a":{"$type":"date","value":7}}',
        b'J{"a":{"$type":["date"],"value":"x"}}',
        b'J{"a":{"$type":"other","value":"x"}}',
        b'J{"a":{"$type":"uuid"}}',
    ],
    ids=range(16),
)
def test_damaged_bytes_are_an_error_of_the_product(sealer: Sealer, packed: bytes) -> None:
    with pytest.raises(SealBroken):
        sealer.open(packed, PLACE)


def _compressed(raw: bytes, size: int | None = None) -> bytes:
    return b"Z" + struct.pack(">I", len(raw) if size is None else size) + zstandard.ZstdCompressor().compress(raw)


def test_compressed_bytes_must_have_the_length_they_say(sealer: Sealer) -> None:
    assert sealer.open(_compressed(b'{"a":1}'), PLACE) == {"a": 1}
    for wrong in (_compressed(b'{"a":1}', 8), _compressed(b'{"a":1}') + b"more", _compressed(b'{"a":1}')[:-1]):
        with pytest.raises(SealBroken):
            sealer.open(wrong, PLACE)


def test_a_document_that_claims_to_be_huge_is_refused(sealer: Sealer) -> None:
    with pytest.raises(SealBroken, match="larger than the limit"):
        sealer.open(b"Z" + struct.pack(">I", LARGEST_DOCUMENT + 1) + b"x", PLACE)


def test_a_frame_that_grows_past_its_announced_size_is_refused_unread(sealer: Sealer) -> None:
    """The frame's own header says 2**40 bytes: reading it would ask for that much memory."""
    header = b"\x28\xb5\x2f\xfd" + bytes([0b11100000]) + struct.pack("<Q", 2**40)
    assert zstandard.frame_content_size(header + b"\x01\0\0") == 2**40
    with pytest.raises(SealBroken, match="another length"):
        sealer.open(b"Z" + struct.pack(">I", 100) + header + b"\x01\0\0", PLACE)


@pytest.mark.parametrize("keys", [{}, {"short": b"x" * 31}, {"good": KEY, "long": b"x" * 33}])
def test_keys_that_are_missing_or_of_another_length_stop_the_start(keys: dict[str, bytes]) -> None:
    with pytest.raises(ConfigurationInvalid, match="32 bytes"):
        Sealer(keys, nonce=partial(secrets.token_bytes, 12))


def test_a_sealed_document_stays_readable_for_the_place_it_belongs_to(sealer: Sealer) -> None:
    same = Place(UUID(str(PLACE.client_account_id)), PLACE.engagement_id, PLACE.flow_id)
    assert sealer.open(sealer.seal({"password": SECRET}, PLACE), same) == {"password": SECRET}
