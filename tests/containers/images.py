"""The images under test: throng's own on a root file system from Debian's packages, and those that are made from it.

    python3 tests/containers/images.py FOLDER      makes the root file systems, which are kept
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What each target of deploy/Dockerfile needs, so that it is built without a network.
PACKAGES = {
    "slim": ["ca-certificates"],
    "python": ["ca-certificates", "python3", "python3-gevent", "python3-pip"],
}


def suite():
    """The Debian of this machine, whose archive it can reach."""
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.split("=", 1)[1].strip('"')
    return "bookworm"


def base(kind, folder):
    """A tarball of Debian with the packages of a target."""
    folder.mkdir(parents=True, exist_ok=True)
    tarball = folder / f"base-{kind}-{suite()}-{'-'.join(PACKAGES[kind])}.tar"
    if not tarball.exists():
        partial = tarball.with_name(f".{os.getpid()}.tar")
        # Documentation and translations are half of it.
        excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale", "info")]
        subprocess.run(
            ["mmdebstrap", "--variant=minbase", "--quiet", f"--include={','.join(PACKAGES[kind])}", *excluded,
             '--aptopt=Apt::Install-Recommends "false"', suite(), partial],
            check=True,
        )  # fmt: skip
        partial.rename(tarball)
    return tarball


def build(engine, binary, work, cache):
    """Both targets of deploy/Dockerfile, without a network."""
    for kind in PACKAGES:
        engine.docker("import", base(kind, cache), f"debian:{kind}")
        context = work / f"image-{kind}"
        context.mkdir()
        shutil.copy(binary, context / "throng")
        # A debug build's symbols are most of it.
        subprocess.run(["strip", context / "throng"], check=True)
        shutil.copy(ROOT / "deploy/Dockerfile", context)
        engine.build(context, f"throng:{kind}", "--build-arg", f"BASE=debian:{kind}", "--target", kind)


if __name__ == "__main__":
    for kind in PACKAGES:
        print(base(kind, Path(sys.argv[1])))
