"""Documents as stored bytes: sensitive fields encrypted first, then compressed when large.

Format of the bytes: "J" + UTF-8 JSON, or "Z" + 4-byte length + zstd of that JSON. An encrypted field is
{"$enc": "v1", "kid": key id, "n": nonce, "c": ciphertext with tag}, AES-256-GCM (NIST SP 800-38D) with a
96-bit random nonce; client, engagement, flow, JSON pointer and key id are authenticated with it. Types
that JSON lacks are {"$type": name, "value": text}; a "$" that begins a stored key is doubled.
"""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BaseModel

from masterflow.errors import ConfigurationInvalid, InvalidInput, MasterflowError

COMPRESS_ABOVE = 10_240
LARGEST_DOCUMENT = 64 * 1024 * 1024
DEEPEST_DOCUMENT = 100
_ENCRYPTED = "$enc"
SENSITIVE = re.compile(
    r"^authorization$|(password|passwd|passphrase|secret|token|(private|access|api|secret|encryption)[_-]?keys?"
    r"|credentials?|connection[_-]?strings?)$",
    re.IGNORECASE,
)
_TAGS: dict[str, Callable[[Any], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "uuid": UUID,
    "decimal": Decimal,
}


class SealBroken(MasterflowError):
    """Stored bytes fail their check: altered, moved to another place, or sealed with an unknown key."""

    code = "seal_broken"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document belongs; part of what encryption authenticates."""

    client_account_id: UUID
    engagement_id: UUID
    flow_id: UUID


class Sealer:
    """Seals and opens documents with the key-encryption keys of this installation.

    `keys` maps key id to 32 bytes; the first is used for sealing, all for opening. `nonce` returns 12
    random bytes.
    """

    def __init__(self, keys: Mapping[str, bytes], *, nonce: Callable[[], bytes]) -> None:
        short = [kid for kid, key in keys.items() if len(key) != 32]
        if not keys or short:
            raise ConfigurationInvalid("every encryption key has 32 bytes", where={"keys": short or "none given"})
        self._keys = dict(keys)
        self._active = next(iter(keys))
        self._nonce = nonce
        self._ciphers: dict[tuple[str, UUID], AESGCM] = {}

    def seal(self, document: Mapping[str, Any], place: Place) -> bytes:
        """Bytes to store.

        Raises:
            InvalidInput: a field named `$enc`, text that PostgreSQL or UTF-8 cannot hold (NUL, a lone
                surrogate), a number that is not finite, a foreign type, two keys with the same text, more
                than 100 levels or more than 64 MiB.
        """
        raw = _encoded(self._protect(_plain(document, ""), place, ""))
        if len(raw) > LARGEST_DOCUMENT:
            raise InvalidInput(
                "the document is larger than 64 MiB",
                where={"bytes": len(raw)},
                next_step="Keep large content in a file and store its id.",
            )
        if len(raw) <= COMPRESS_ABOVE:
            return b"J" + raw
        return b"Z" + struct.pack(">I", len(raw)) + zstandard.ZstdCompressor(level=3).compress(raw)

    def open(self, packed: bytes, place: Place, *, reveal: bool = True) -> dict[str, Any]:
        """The document that was sealed; with `reveal` false sensitive fields read "***".

        Raises:
            SealBroken: the bytes were altered or belong to another place, or their key is not here.
        """
        opened = self._reveal(_decoded(_unpack(packed)), place, "", reveal)
        if not isinstance(opened, dict):
            raise SealBroken("a sealed document is an object")
        return opened

    def _protect(self, value: Any, place: Place, pointer: str) -> Any:
        if isinstance(value, dict):
            return {
                key: self._encrypt(inner, place, _below(pointer, key))
                if SENSITIVE.search(key) and inner is not None
                else self._protect(inner, place, _below(pointer, key))
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self._protect(inner, place, _below(pointer, index)) for index, inner in enumerate(value)]
        return value

    def _encrypt(self, value: Any, place: Place, pointer: str) -> dict[str, str]:
        nonce = self._nonce()
        bound = _bound(place, pointer, self._active)
        sealed = self._cipher(self._active, place).encrypt(nonce, _encoded(value), bound)
        return {
            _ENCRYPTED: "v1",
            "kid": self._active,
            "n": base64.b64encode(nonce).decode(),
            "c": base64.b64encode(sealed).decode(),
        }

    def _reveal(self, value: Any, place: Place, pointer: str, reveal: bool) -> Any:
        if isinstance(value, list):
            return [self._reveal(inner, place, _below(pointer, i), reveal) for i, inner in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if _ENCRYPTED in value:
            return self._decrypt(value, place, pointer) if reveal else "***"
        if "$type" in value:
            return _typed(value, pointer)
        return {
            key.replace("$$", "$", 1) if key.startswith("$$") else key: self._reveal(
                inner, place, _below(pointer, key), reveal
            )
            for key, inner in value.items()
        }

    def _decrypt(self, token: dict[str, Any], place: Place, pointer: str) -> Any:
        try:
            cipher = self._cipher(token["kid"], place)
            nonce, sealed = base64.b64decode(token["n"]), base64.b64decode(token["c"])
            clear = cipher.decrypt(nonce, sealed, _bound(place, pointer, token["kid"]))
        except (InvalidTag, KeyError, TypeError, ValueError) as error:
            raise SealBroken(
                "an encrypted field does not open here",
                where={"field": pointer, "flow_id": str(place.flow_id)},
                next_step="Check that the right key file is in place; otherwise restore the flow from a checkpoint.",
            ) from error
        return self._reveal(_decoded(clear), place, pointer, True)

    def _cipher(self, kid: str, place: Place) -> AESGCM:
        known = self._ciphers.get((kid, place.client_account_id))
        if known is None:
            derived = HKDF(SHA256(), 32, salt=place.client_account_id.bytes, info=b"masterflow field v1")
            known = AESGCM(derived.derive(self._keys[kid]))
            self._ciphers[(kid, place.client_account_id)] = known
        return known


def _bound(place: Place, pointer: str, kid: str) -> bytes:
    parts = ("masterflow", "v1", place.client_account_id, place.engagement_id, place.flow_id, pointer, kid)
    return "|".join(map(str, parts)).encode("utf-8")


def _below(pointer: str, key: str | int) -> str:
    """JSON pointer (RFC 6901) of a member."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise SealBroken("stored bytes are not JSON") from error


def _typed(value: dict[str, Any], pointer: str) -> Any:
    try:
        return _TAGS[value["$type"]](value["value"])
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise SealBroken("a stored value is not of the type it says", where={"field": pointer}) from error


def _unpack(packed: bytes) -> bytes:
    if packed[:1] == b"J":
        return packed[1:]
    if packed[:1] != b"Z" or len(packed) < 5:
        raise SealBroken("stored bytes are not in a known format")
    (size,) = struct.unpack(">I", packed[1:5])
    if size > LARGEST_DOCUMENT:
        raise SealBroken("a stored document is larger than the limit", where={"bytes": size})
    try:
        # The size in the frame decides how much is allocated, whatever limit is given to the decompressor.
        if zstandard.frame_content_size(packed[5:]) != size:
            raise SealBroken("stored bytes have another length than they say")
        return zstandard.ZstdDecompressor().decompress(packed[5:], max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise SealBroken("stored bytes do not decompress") from error


def _plain(value: Any, pointer: str) -> Any:
    """JSON with tagged types, so that loading returns what was saved."""
    if value is None or isinstance(value, bool) or type(value) is int:
        return value
    if isinstance(value, str) and not isinstance(value, Enum):
        return _text(value, pointer)
    if pointer.count("/") > DEEPEST_DOCUMENT:
        raise InvalidInput(f"a document has at most {DEEPEST_DOCUMENT} levels", where={"field": pointer[:200]})
    if isinstance(value, Mapping):
        return _object(value, pointer)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner, _below(pointer, index)) for index, inner in enumerate(value)]
    return _tagged(value, pointer)


def _object(value: Mapping[Any, Any], pointer: str) -> dict[str, Any]:
    plain = {}
    for name, inner in value.items():
        key = _text(str(name), pointer)
        if key == _ENCRYPTED:
            raise InvalidInput("a field named $enc is reserved", where={"field": pointer or "/"})
        plain[f"${key}" if key.startswith("$") else key] = _plain(inner, _below(pointer, key))
    if len(plain) != len(value):
        raise InvalidInput("two keys have the same text", where={"field": pointer or "/"})
    return plain


def _text(value: str, pointer: str) -> str:
    if "\0" in value:
        raise InvalidInput("text with a NUL character cannot be stored", where={"field": pointer or "/"})
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput("text with a lone surrogate cannot be stored", where={"field": pointer or "/"}) from None
    return value


def _tagged(value: Any, pointer: str) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(), pointer)
    if isinstance(value, Enum):
        return _plain(value.value, pointer)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput("a number that is not finite cannot be stored", where={"field": pointer})
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime):
        return {"$type": "datetime", "value": value.isoformat()}
    if isinstance(value, date):
        return {"$type": "date", "value": value.isoformat()}
    if isinstance(value, UUID | Decimal):
        return {"$type": "uuid" if isinstance(value, UUID) else "decimal", "value": str(value)}
    raise InvalidInput(f"a value of type {type(value).__name__} cannot be stored", where={"field": pointer})
