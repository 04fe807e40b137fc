"""A Linux without Python: processes whose root is a folder with the C library, zlib and a few files in /etc."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from tests.processes import Environment

USER = 1000
HOME = "/home/me"
PROGRAM = "/home/me/colorchanger"
C_LIBRARY = ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "libresolv.so.2")
NAMES = ("libnss_files.so.2", "libnss_dns.so.2")
ENTER = """
mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
exec chroot --userspec=USER:USER "$0" "$@"
""".replace("USER", str(USER))


class BareSystem:
    """The system, with the executable in the home of its only user."""

    def __init__(self, root: Path, executable: Path) -> None:
        self.root = root
        self._as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
        for folder in ("proc", "dev", "tmp", "etc", "home/me"):
            (root / folder).mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        self._copy_libraries(executable)
        (root / "etc/passwd").write_text(f"me:x:{USER}:{USER}::{HOME}:/bin/sh\n")
        (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")
        shutil.copy(executable, root / PROGRAM[1:])
        subprocess.run([*self._as_root, "chown", "-R", f"{USER}:{USER}", root / "home/me"], check=True)

    async def start(self, *arguments: str, environment: Environment) -> Process:
        """Start the executable with this environment and nothing else."""
        variables = [f"{name}={value}" for name, value in ({"HOME": HOME} | environment).items()]
        command = [*self._as_root, "env", "-i", *variables, "unshare", "--mount", "sh", "-c", ENTER, str(self.root)]
        return await asyncio.create_subprocess_exec(
            *command, PROGRAM, *arguments, stdout=PIPE, stderr=PIPE, start_new_session=True
        )

    def _copy_libraries(self, executable: Path) -> None:
        linked = subprocess.run(["ldd", executable], capture_output=True, text=True, check=True).stdout
        libraries = {Path(path) for path in re.findall(r"(/\S+) \(0x", linked)}
        (c_library,) = (path for path in libraries if path.name == "libc.so.6")
        libraries |= {path for name in (*C_LIBRARY, *NAMES) if (path := c_library.with_name(name)).exists()}
        for library in libraries:
            there = self.root / str(library)[1:]
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, there)
