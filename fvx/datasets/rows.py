"""Rows of a protocol file, each with the line it ends on."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from fvx.errors import DatasetError

WHITESPACE = " "
PARQUET = ".parquet"


def read_rows(path: Path, delimiter: str, quoting: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Give line number and fields of every row that is not blank.

    Parameters
    ----------
    path : Path
        A Parquet file if its name ends so, the first row then being its column names. Else
        text: UTF-8, with or without a byte-order mark, whatever its line ends.
    delimiter : str
        One character; `WHITESPACE` stands for any run of spaces and tabs.
    quoting : bool
        Whether double quotes may enclose a field. Where they may, a stray one is an error,
        as it would swallow all rows up to the next.

    Raises
    ------
    DatasetError
        If the file cannot be read as such a table.
    """
    if path.suffix.lower() == PARQUET:
        yield from _parquet_rows(path)
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if delimiter == WHITESPACE:
                for line_number, line in enumerate(file, 1):
                    if fields := line.split():
                        yield line_number, fields
                return
            reader = csv.reader(
                file,
                delimiter=delimiter,
                quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
                strict=quoting,
            )
            try:
                for fields in reader:
                    if any(fields):
                        yield reader.line_num, fields
            except csv.Error as error:
                raise DatasetError(f"{path}, line {reader.line_num}: {error}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not UTF-8 text ({error.reason})") from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error


def _parquet_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise DatasetError(f"{path}: Parquet needs pyarrow (pip install 'fvx[parquet]')") from error
    try:
        with parquet.ParquetFile(path) as table:
            yield 1, list(table.schema_arrow.names)
            number = 1
            for batch in table.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield number, ["" if one is None else str(one) for one in row.values()]
    except (ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DatasetError(f"{path}: cannot be read as Parquet ({reason})") from error
