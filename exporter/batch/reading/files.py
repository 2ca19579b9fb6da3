"""Files on any file system of Beam's: formats by name, compression, and damage."""

import bz2
import gzip
import lzma
import re
import zlib
from typing import BinaryIO

import pyarrow
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
}
_COMPRESSIONS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}

# What a damaged file raises; other errors of a file system are for the engine, which tries again.
DAMAGE = (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError, pyarrow.ArrowInvalid)


def format_of(file: str) -> str:
    """The format by the name: `a.tsv.gz` is "tsv", and any unknown ending is "text"."""
    suffixes = re.findall(r"\.[a-z0-9]+", file.rpartition("/")[2].lower())
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1], "text") if suffixes else "text"


def compression(file: str) -> str:
    """The ending of a compressed file's name, ".gz", ".bz2" or ".xz", else ""."""
    suffix = file[file.rfind(".") :].lower()
    return suffix if suffix in _COMPRESSIONS else ""


def open_file(file: str) -> BinaryIO:
    """The file's bytes, decompressed; reading raises one of DAMAGE where it is damaged."""
    raw = FileSystems.open(file, compression_type=CompressionTypes.UNCOMPRESSED)
    # Beam's own readers of compressed files end quietly where a file was cut off.
    suffix = compression(file)
    return _COMPRESSIONS[suffix](raw) if suffix else raw  # type: ignore[operator]


def words(error: Exception) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
