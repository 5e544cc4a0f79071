"""Names of cache entries as keyed digests, so that no address, account or code stands in a cache; it caches nothing."""

from governance.keys import index_keys


def digest(key: str, key_prefix: str, version: int) -> str:
    """Take the place of Django's own key function (`KEY_FUNCTION`).

    A plain digest would not do: whoever reads the cache could try addresses until one fits.
    """
    return index_keys.digest("cache", f"{key_prefix}:{version}:{key}".encode()).hex()
