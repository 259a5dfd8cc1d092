"""A folder of files whose names hold a digest of their content, written as a whole or not at all."""

import contextlib
import gzip
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from adrec.errors import ConfigError

MARK = "site.json"
"""Lists the files, so that the folder is known as one that may be replaced."""


class Folder:
    """Files by relative address."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def add(self, name: str, data: bytes, pack: bool = False) -> str:
        """Its address. pack: with gzip, for what is large and no text: a plain file server packs nothing, others pack only text."""
        data = gzip.compress(data, mtime=0) if pack else data
        stem, _, end = name.rpartition(".")
        address = f"files/{stem}-{hashlib.sha256(data).hexdigest()[:12]}.{end}"
        self.files[address] = data
        return address

    def write(self, out: Path) -> None:
        """Put all files into a folder, in place of an earlier site."""
        check(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{out.name[:40]}-", dir=out.parent))
        try:
            for address, data in {**self.files, MARK: json.dumps(sorted(self.files)).encode()}.items():
                (made / address).parent.mkdir(exist_ok=True)
                (made / address).write_bytes(data)
            made.chmod(0o755)
            if out.exists():
                shutil.rmtree(out)
            made.rename(out)
        finally:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(made)


def check(out: Path) -> None:
    """A ConfigError unless a site may be written to a folder."""
    if out.exists() and not (out.is_dir() and (known(out) or not any(out.iterdir()))):
        raise ConfigError(f"'{out}' holds something else than a site; name a folder that is new, empty or an earlier site.")


def known(folder: Path) -> bool:
    """Whether a folder holds a site and nothing else."""
    try:
        listed = {*json.loads((folder / MARK).read_text(encoding="utf-8")), MARK}
    except (OSError, ValueError, TypeError):
        return False
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()} <= listed
