"""Run by test_pkcs11.py as a process of its own: one provider goes on while its module is switched off and on."""

import sys

import django
import pkcs11


def main(module: str, token: str, label: str) -> None:
    """Wrap, restart the module, open; twice, because a session that was opened anew can be lost as well."""
    from governance.keys.providers.pkcs11 import Pkcs11Provider
    from tests.governance.keys.providers.stores import PIN, SECONDS

    key = bytes(range(32))
    provider = Pkcs11Provider(module, token, PIN, label, seconds=SECONDS)
    wrapped = provider.wrap(key, ("a",))
    for _time in range(2):
        pkcs11.lib(module).reinitialize()
        same = provider.unwrap(*wrapped, ("a",)) == key
        sys.stdout.write("the same key\n" if same else "another\n")


if __name__ == "__main__":
    django.setup()
    main(*sys.argv[1:])
