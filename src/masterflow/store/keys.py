"""The key-encryption keys of an installation: from a file, a setting, or made in the home."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path

from masterflow.errors import ConfigurationInvalid
from masterflow.store.embedded import explained, role_password

KEY_BYTES = 32


def read_keys(*, text: str | None, file: Path | None, home: Path | None) -> dict[str, bytes]:
    """Key id -> 32 bytes, the active key first.

    `file` stands above `text`; with neither the key in the home is used and made the first time.
    Raises ConfigurationInvalid when a key cannot be read, is short, or none is given (`home` None).
    """
    if file is not None:
        with explained(file):
            text = file.read_text(encoding="ascii")
    if text is not None:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return dict(_key(line, number) for number, line in enumerate(lines, 1)) or _none()
    if home is None:
        return _none()
    return dict([_key(role_password(home, "key_encryption_key"), 1)])


def _key(text: str, number: int) -> tuple[str, bytes]:
    padded = text + "=" * (-len(text) % 4)
    try:
        key = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused(number) from error
    if len(key) != KEY_BYTES:
        raise _refused(number)
    return hashlib.sha256(b"masterflow key id" + key).hexdigest()[:8], key


def _refused(number: int) -> ConfigurationInvalid:
    return ConfigurationInvalid(
        "a key-encryption key is not 32 bytes in base64",
        where={"key": number},
        next_step="Make one with: openssl rand -base64 32",
    )


def _none() -> dict[str, bytes]:
    raise ConfigurationInvalid(
        "no key-encryption key is given",
        next_step="With a database of your own set MASTERFLOW_KEK_FILE (or MASTERFLOW_KEK).",
    )
