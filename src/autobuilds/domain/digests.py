"""SHA-256 without OpenSSL: `hashlib` loads that library, which takes as long as a third of Python's own start, and 4 MiB."""

from __future__ import annotations

#: Bytes from which OpenSSL's speed is worth its start.
_LONG = 256 * 1024


def sha256(data: bytes) -> str:
    """Return the SHA-256 of some bytes in 64 hexadecimal digits."""
    if len(data) < _LONG:
        try:
            # Python's own implementation, by the names of 3.12 and later and of 3.11; the one that hashlib falls back on.
            try:
                from _sha2 import sha256 as own  # type: ignore[import-not-found]
            except ImportError:
                from _sha256 import sha256 as own  # type: ignore[import-not-found]
            return str(own(data).hexdigest())
        except ImportError:
            pass
    from hashlib import sha256 as usual

    return usual(data).hexdigest()
