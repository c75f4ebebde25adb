"""What `fullspeed build` builds: a folder, a source archive, or a name on the package index.

How it works: all of them become a source archive first (a folder through the project's own back
end, a name through pip), and each build unpacks that into a folder of its own. So no build finds
objects that another one, with other flags, has left.
"""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from fullspeed.variants import BuildError, need

ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")


def is_local(what: str) -> bool:
    """Whether a folder or file is meant, not a name."""
    return os.sep in what or what in (".", "..") or os.path.exists(what)


def download(name: str, folder: Path, isolated: bool) -> Path:
    """The source archive of NAME or NAME==VERSION from the package index."""
    requirements = need("packaging.requirements")
    try:
        wanted = requirements.Requirement(name)
    except requirements.InvalidRequirement:
        raise BuildError(
            f"{name!r} is neither a folder or file that is there, nor a name like ujson==5.10.0"
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    before = set(folder.iterdir())
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"),
        *("--disable-pip-version-check", f"--no-binary={wanted.name}", "--dest", str(folder)),
    ]
    if not isolated:
        command.append("--no-build-isolation")
    done = subprocess.run([*command, "--", name], capture_output=True, text=True)
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise BuildError(f"pip found no source archive of {name}:\n{last}")
    new = sorted(set(folder.iterdir()) - before) or sorted(
        path for path in before if _canonical(path.name).startswith(_canonical(wanted.name) + "-")
    )
    if len(new) != 1:
        raise BuildError(f"{folder} has several source archives of {name}: empty it first")
    return new[0]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _inside(name: str, archive: Path) -> PurePosixPath:
    """The name of a member, if it stays below the folder that it is unpacked into."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise BuildError(f"{archive} has a file called {name!r}, outside of itself; not unpacked")
    return path


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a source archive into a new folder; returns the project's folder in it."""
    folder.mkdir(parents=True)
    try:
        if archive.name.endswith(".zip"):
            with zipfile.ZipFile(archive) as files:
                for member in files.infolist():
                    _inside(member.filename, archive)
                files.extractall(folder)
        else:
            _unpack_tar(archive, folder)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise BuildError(f"{archive} is damaged: {error}") from None
    found = [path for path in folder.iterdir() if path.is_dir()]
    if len(found) != 1:
        raise BuildError(f"{archive} is no source archive: it has not one folder at its top")
    return found[0]


def _unpack_tar(archive: Path, folder: Path) -> None:
    """Files and folders only, with no more rights than usual."""
    with tarfile.open(archive) as files:
        chosen = []
        for member in files.getmembers():
            path = _inside(member.name, archive)
            if member.issym() or member.islnk():
                target = path.parent / member.linkname if member.issym() else member.linkname
                _inside(os.path.normpath(target), archive)
                if os.path.isabs(member.linkname):
                    raise BuildError(f"{archive} has a link out of itself: {member.name!r}")
            elif not member.isfile() and not member.isdir():
                raise BuildError(f"{archive} has a device or the like: {member.name!r}")
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            chosen.append(member)
        files.extractall(folder, chosen)
