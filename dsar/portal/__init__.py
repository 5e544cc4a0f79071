"""The customers' pages under /privacy/: ask, prove the address, follow, download; no account, no script needed."""
