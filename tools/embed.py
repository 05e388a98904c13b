#!/usr/bin/env python3
"""Turns files into a C source with one list of them (see packages/core/embed/embed.h).

usage: tools/embed.py --symbol NAME --base DIR OUT.c FILE...

Each file is named by its path below DIR. The order is the files' order, so that builds repeat.
"""

import argparse
import pathlib


def literal(data):
    """C string literals of the bytes, one line of the source for each line of the file."""
    out, line = [], []
    for byte in data:
        char = chr(byte)
        if char in '"\\':
            line.append("\\" + char)
        elif char == "?":
            line.append("\\?")  # no trigraphs
        elif 32 <= byte < 127:
            line.append(char)
        else:
            line.append(f"\\{byte:03o}")
        if byte == 10 or len(line) >= 4000:
            out.append(f'"{"".join(line)}"')
            line = []
    if line or not out:
        out.append(f'"{"".join(line)}"')
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbol", required=True)
    parser.add_argument("--base", required=True, type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    args = parser.parse_args()

    parts = ['/* Made by tools/embed.py; do not edit. */\n#include "embed/embed.h"\n',
             f"extern const struct embedded_file {args.symbol}[];\n",
             f"const struct embedded_file {args.symbol}[] = {{"]
    for path in args.files:
        data = path.read_bytes()
        name = path.resolve().relative_to(args.base.resolve()).as_posix()
        parts.append(f'{{"{name}", {{\n{literal(data)},\n{len(data)}}}}},')
    parts.append("{NULL, {NULL, 0}},\n};\n")
    args.out.write_text("\n".join(parts), encoding="ascii")


if __name__ == "__main__":
    main()
