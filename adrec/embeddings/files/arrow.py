"""Arrow's files and streams, and Feather: rewritten as Parquet in a temporary file, which is read as Parquet is."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from adrec.embeddings.files.checks import Matrix
from adrec.embeddings.files.columns import read_columns
from adrec.errors import DataError, WeightsError
from adrec.reading.account import Doubt
from adrec.reading.opened import scratch

SUFFIXES = (".arrow", ".feather", ".ipc")
FILE, OLD = b"ARROW1", b"FEA1"
LARGEST = 2**32
"""Bytes of a file."""


def read_arrow(path: Path, key: str | None, options: Mapping[str, str]) -> Matrix:
    """The table of a file of Arrow's, whose buffers are all checked before anything else looks at them."""
    size = path.stat().st_size
    if size > LARGEST:
        raise WeightsError(f"'{path}' has {size:,} bytes; must be at most {LARGEST:,}. Parquet may be larger.")
    with scratch() as plain:
        copy = plain.with_suffix(".parquet")
        try:
            with pa.memory_map(str(path)) as file:
                begin = file.read(len(FILE))
                file.seek(0)
                if begin.startswith(OLD):
                    raise WeightsError(f"'{path}' is Feather's first version; save it again, as its second: pyarrow.feather.write_feather.")
                reader = pa.ipc.open_file(file) if begin == FILE else pa.ipc.open_stream(file)
                with pyarrow.parquet.ParquetWriter(copy, reader.schema) as out:
                    count = reader.num_record_batches if begin == FILE else None
                    for batch in (reader.get_batch(i) for i in range(count)) if count is not None else reader:
                        batch.validate(full=True)
                        out.write_batch(batch)
        except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError) as error:
            if isinstance(error, WeightsError):
                raise
            reason = (str(error).splitlines() or ["no reason given"])[0][:200].rstrip(".")
            raise WeightsError(f"'{path}' is damaged or not in Arrow's format ({reason}).") from None
        try:
            found = read_columns(copy, key, options)
        except Doubt as doubt:
            says = str(doubt).replace(str(copy), str(path))
            raise Doubt(says, doubt.option, doubt.candidates, doubt.proposed).about(path, doubt.head) from None
        except DataError as error:
            raise WeightsError(str(error).replace(str(copy), str(path))) from None
    if found.account is not None:
        found.account.path, found.account.format = str(path), "Arrow"
    return found
