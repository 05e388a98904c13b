#!/usr/bin/env python3
"""Turns SQL files into C constants at build time.

sqlgen.py queries FILE.sql OUT.h     each `-- name: x` block becomes
                                     `static const struct db_stmt sql_x`, named FOLDER_x in the server
sqlgen.py migrations OUT.c FILES...  001_name.up.sql / .down.sql become `const struct db_migration
                                     migrations[]` and `migrations_count`
"""
import json
import os
import re
import sys


def c_string(text):
    lines = text.strip().split("\n")
    return "\n".join("        " + json.dumps(line + "\n", ensure_ascii=True) for line in lines)


def queries(source, out):
    folder = os.path.basename(os.path.dirname(os.path.abspath(source))).replace("-", "_")
    blocks, name, body = [], None, []
    for line in open(source, encoding="utf-8"):
        head = re.match(r"--\s*name:\s*(\w+)\s*$", line)
        if head:
            if name:
                blocks.append((name, "".join(body)))
            name, body = head.group(1), []
        elif name and not line.lstrip().startswith("--"):
            body.append(line)
    if name:
        blocks.append((name, "".join(body)))
    names = [n for n, _ in blocks]
    repeated = {n for n in names if names.count(n) > 1}
    if repeated:
        sys.exit(f"{source}: repeated names: {', '.join(sorted(repeated))}")
    with open(out, "w", encoding="utf-8") as f:
        f.write(f"/* Made from {os.path.basename(source)} by tools/sqlgen.py. */\n")
        f.write('#include "db/db.h"\n\n')
        for name, body in blocks:
            f.write(f"static const struct db_stmt sql_{name} _unused_ = {{\n")
            f.write(f'        "{folder}_{name}",\n{c_string(body.strip().rstrip(";"))}}};\n\n')


def migrations(out, files):
    found = {}
    for path in files:
        m = re.match(r"(\d{3})_(\w+)\.(up|down)\.sql$", os.path.basename(path))
        if not m:
            sys.exit(f"{path}: not NNN_name.up.sql or .down.sql")
        entry = found.setdefault(int(m.group(1)), {"name": m.group(2)})
        if entry["name"] != m.group(2):
            sys.exit(f"{path}: two migrations have the number {m.group(1)}")
        entry[m.group(3)] = open(path, encoding="utf-8").read()
    if sorted(found) != list(range(1, len(found) + 1)):
        sys.exit(f"migrations are not numbered 1..{len(found)}: {sorted(found)}")
    with open(out, "w", encoding="utf-8") as f:
        f.write("/* Made from packages/backend/migrations by tools/sqlgen.py. */\n")
        f.write('#include "migrations/migrations.h"\n\nconst struct db_migration migrations[] = {\n')
        for number in sorted(found):
            e = found[number]
            f.write(f'        {{{number}, "{e["name"]}",\n{c_string(e["up"])},\n{c_string(e["down"])}}},\n')
        f.write("};\nconst size_t migrations_count = ELEMENTS(migrations);\n")


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "queries":
        queries(sys.argv[2], sys.argv[3])
    elif len(sys.argv) > 3 and sys.argv[1] == "migrations":
        migrations(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(__doc__)
