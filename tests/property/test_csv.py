"""CSV reader and writer of packages/core/csv, against Python's csv module and against themselves.

Calls the C code through libmillrace-test.so (built by meson; see packages/core/csv/csv_testlib.c).
"""

import csv
import ctypes
import io
import struct

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lib.stack import build_dir

UTF8, UTF16LE, UTF16BE, WINDOWS_1252 = 1, 2, 3, 4
HEADER_NO = 2
ENCODINGS = {UTF8: "utf-8", UTF16LE: "utf-16-le", UTF16BE: "utf-16-be"}
HEAD = {UTF8: b"\xef\xbb\xbf", UTF16LE: b"\xff\xfe", UTF16BE: b"\xfe\xff"}

lib = ctypes.CDLL(str(build_dir() / "packages" / "core" / "libmillrace-test.so"))
lib.test_csv_read.restype = ctypes.c_void_p
lib.test_csv_read.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_uint32), ctypes.c_size_t,
                              ctypes.c_char, ctypes.c_int, ctypes.c_int, ctypes.c_int]
lib.test_csv_write.restype = ctypes.c_void_p
lib.test_csv_write.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char, ctypes.c_int, ctypes.c_int]
lib.test_csv_bytes.restype = ctypes.POINTER(ctypes.c_char)
lib.test_csv_bytes.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t)]
lib.test_csv_dialect.argtypes = [ctypes.c_void_p, ctypes.c_int]
lib.test_csv_free.argtypes = [ctypes.c_void_p]
lib.test_csv_scan_same.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char, ctypes.c_char]


def take(handle):
    size = ctypes.c_size_t()
    data = lib.test_csv_bytes(handle, ctypes.byref(size))
    return ctypes.string_at(data, size.value)


def read(data, steps=(), delimiter=",", encoding=UTF8, header=HEADER_NO, keep_blank=True):
    """Rows of bytes, and the dialect as (delimiter, encoding, header, newline)."""
    sizes = (ctypes.c_uint32 * max(1, len(steps)))(*steps)
    handle = lib.test_csv_read(data, len(data), sizes, len(steps), delimiter.encode() or b"\0", encoding, header,
                               keep_blank)
    assert handle, "the reader refused the file"
    packed, dialect = take(handle), tuple(lib.test_csv_dialect(handle, i) for i in range(4))
    lib.test_csv_free(handle)
    rows, at = [], 0
    while at < len(packed):
        (count,) = struct.unpack_from("<I", packed, at)
        at += 4
        row = []
        for _ in range(count):
            (size,) = struct.unpack_from("<I", packed, at)
            row.append(packed[at + 4:at + 4 + size])
            at += 4 + size
        rows.append(row)
    return rows, dialect


def read_text(text, **options):
    return [[cell.decode() for cell in row] for row in read(text.encode(), **options)[0]]


def write(rows, delimiter=",", crlf=False, safe=False):
    packed = b"".join(struct.pack("<I", len(row)) + b"".join(struct.pack("<I", len(c)) + c for c in row) for row in rows)
    handle = lib.test_csv_write(packed, len(packed), delimiter.encode(), crlf, safe)
    data = take(handle)
    lib.test_csv_free(handle)
    return data


def python_rows(text, delimiter=","):
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def is_plain(text):
    """Not begun by what the reader takes for a byte order mark or Excel's delimiter line."""
    return not text.startswith("\ufeff") and not text[:4].lower() == "sep="


# Text in which the characters that matter are frequent, in pieces long enough to cross a 64-byte block.
special = st.text(alphabet=st.sampled_from(list(',;\t|"\r\n \'ab1\x00\u00e9\u20ac\U0001f600')), max_size=40)
messy = st.lists(st.one_of(special, st.text(max_size=20), st.sampled_from(
    ['"' * 7, ",,,,", '""', '","', '\r\n', '\n\r', 'x' * 63, 'y' * 64, '"' + "z" * 130, '",\r'])), max_size=30).map("".join)
steps = st.lists(st.integers(1, 200), max_size=6)
cells = st.one_of(special, st.text(max_size=30))
tables = st.lists(st.lists(cells, min_size=1, max_size=8), max_size=30)


@given(messy.filter(is_plain), steps, st.sampled_from([",", ";", "\t", "|"]))
@example('a"b,c\n"d"e,f\n"g', [1], ",")
@example('"' + "a" * 62 + '","b"\r\n', [], ",")
@example("\r\n\r\n", [1], ",")
def test_reads_as_python_does(text, chunks, delimiter):
    text = text.encode("utf-8", "replace").decode()
    assert read_text(text, steps=chunks, delimiter=delimiter) == python_rows(text, delimiter)


@given(st.binary(max_size=3000), steps, st.sampled_from([0, UTF8, UTF16LE, UTF16BE, WINDOWS_1252]))
def test_any_bytes_read_the_same_however_split(data, chunks, encoding):
    whole = read(data, delimiter="", encoding=encoding, header=0)
    assert read(data, steps=chunks, delimiter="", encoding=encoding, header=0) == whole
    for row in whole[0]:
        for cell in row:
            cell.decode()  # always UTF-8


@given(tables, steps, st.sampled_from([",", ";", "\t", "|"]), st.booleans())
def test_what_is_written_reads_back(rows, chunks, delimiter, crlf):
    rows = [[cell.encode("utf-8", "replace") for cell in row] for row in rows]
    data = write(rows, delimiter, crlf)
    assume(is_plain(data.decode()))
    assert read(data, steps=chunks, delimiter=delimiter)[0] == rows
    assert python_rows(data.decode(), delimiter) == [[cell.decode() for cell in row] for row in rows]


@given(tables, st.sampled_from(sorted(ENCODINGS)), steps)
def test_a_byte_order_mark_decides_the_encoding(rows, encoding, chunks):
    rows = [[cell.encode("utf-8", "replace").decode() for cell in row] for row in rows]
    text = write([[cell.encode() for cell in row] for row in rows]).decode()
    assume(is_plain(text))
    data = HEAD[encoding] + text.encode(ENCODINGS[encoding])
    got, dialect = read(data, steps=chunks, encoding=0)
    assert [[cell.decode() for cell in row] for row in got] == rows
    assert dialect[1] == encoding


@given(st.lists(st.lists(st.text(alphabet="abc\u00e4\u00f6\u00fc\u00df\u20ac 1,", max_size=12), min_size=2, max_size=4),
                min_size=1, max_size=20), steps)
def test_windows_1252_is_found_and_decoded(rows, chunks):
    rows.append(["K\u00f6ln", "x"])
    text = write([[cell.encode() for cell in row] for row in rows]).decode()
    got, dialect = read(text.encode("windows-1252"), steps=chunks, encoding=0)
    assert dialect[1] == WINDOWS_1252
    assert [[cell.decode() for cell in row] for row in got] == rows


@given(st.lists(st.tuples(st.text(alphabet="abcde xyz.-", min_size=1, max_size=10), st.integers(-10**9, 10**9),
                          st.sampled_from(["a@b.org", "c.d@e.net"])), min_size=3, max_size=20),
       st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_the_dialect_is_found(rows, delimiter, newline):
    lines = [delimiter.join(["name", "size", "email"])] + [delimiter.join(map(str, row)) for row in rows]
    data = newline.join(lines + [""]).encode()
    got, dialect = read(data, delimiter="", encoding=0, header=0, keep_blank=False)
    assert chr(dialect[0]) == delimiter
    assert dialect[2] == 1  # a header
    assert dialect[3] == {"\n": 1, "\r\n": 2, "\r": 3}[newline]
    assert len(got) == len(rows) + 1


@given(st.lists(st.lists(st.one_of(cells, st.text(alphabet="=+-@\t\r\n1.e,'\"", max_size=8)), min_size=1, max_size=5),
                max_size=20))
def test_formulas_never_survive(rows):
    rows = [[cell.encode("utf-8", "replace") for cell in row] for row in rows]
    data = write(rows, safe=True)
    assume(is_plain(data.decode()))
    for row, back in zip(rows, read(data)[0], strict=True):
        for cell, got in zip(row, back, strict=True):
            assert got in (cell, b"'" + cell)
            if got[:1] in (b"=", b"@", b"\t", b"\r", b"\n"):
                pytest.fail(f"{got!r} would run")
            if got[:1] in (b"+", b"-"):
                float(got.replace(b",", b"."))


@given(st.binary(min_size=64, max_size=1024), st.sampled_from(b",;\t|x\xff\x00"))
def test_simd_marks_what_the_scalar_code_marks(data, delimiter):
    assert lib.test_csv_scan_same(data, len(data) // 64, bytes([delimiter]), b'"')
