"""What the executable runs: it makes up for what a bundle changes in its environment, then runs the command line."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Iterable, MutableMapping
from pathlib import Path

CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS
)
PROCESSES_OF_ONE_START = 2
"""One that unpacks the executable, and one that runs it."""


def restore_library_path(environment: MutableMapping[str, str]) -> None:
    """Give the programs that we start, such as the browser, the system's libraries and not the bundled ones."""
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        environment.pop(name, None)
        if (original := environment.pop(f"{name}_ORIG", None)) is not None:
            environment[name] = original


def find_certificates(
    environment: MutableMapping[str, str],
    usual: ssl.DefaultVerifyPaths | None = None,
    files: Iterable[str] = CERTIFICATES,
) -> None:
    """Name the system's root certificates, unless the user did, or OpenSSL finds them by itself.

    OpenSSL looks in `usual`: the place where the machine that built it has them.
    """
    usual = usual or ssl.get_default_verify_paths()
    named = environment.get(usual.openssl_cafile_env) or environment.get(usual.openssl_capath_env)
    if named or sys.platform == "win32" or usual.cafile or (usual.capath and any(Path(usual.capath).glob("*.0"))):
        return
    if found := next(filter(os.path.isfile, files), None):
        environment[usual.openssl_cafile_env] = found


def wait_before_closing() -> None:
    """Keep the window open that Windows opened for a double click, so that an error can be read."""
    if sys.platform == "win32":
        import ctypes

        shared_by = ctypes.windll.kernel32.GetConsoleProcessList((ctypes.c_uint * 8)(), 8)
        if shared_by <= PROCESSES_OF_ONE_START and sys.stdin and sys.stdin.isatty():
            input("Press Enter to close this window.")


def run() -> None:
    """Run the command line."""
    restore_library_path(os.environ)
    find_certificates(os.environ)
    from colorchanger_bot.__main__ import main

    try:
        main()
    except SystemExit as ended:
        if ended.code:
            wait_before_closing()
        raise


if __name__ == "__main__":
    run()
