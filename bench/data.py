"""Files that the benchmarks read: made once, the same each time."""

import random

COLUMNS = ["company", "website", "email", "phone", "country", "city", "employees", "revenue", "founded", "active",
           "industry", "description", "first_name", "last_name", "title", "linkedin", "score", "postal_code", "notes", "id"]


def rows(count, seed=1):
    r = random.Random(seed)
    words = [f"word{i}" for i in range(500)]
    for i in range(count):
        name = f"{r.choice(words)} {r.choice(words)} {i}"
        quoted = i % 5 == 0
        yield [f'"{name}, Inc."' if quoted else name, f"https://www.site{i}.example/", f"person{i}@site{i}.example",
               f"+1 202 555 01{i % 100:02}", "Germany", "Berlin", str(r.randrange(1, 400000)), f"{r.random() * 1e6:.2f}",
               str(1900 + i % 124), "true" if i % 3 else "false", r.choice(words),
               f'"{" ".join(r.choices(words, k=6))}, and ""more"""' if quoted else " ".join(r.choices(words, k=6)),
               r.choice(words), r.choice(words), "Head of " + r.choice(words), f"https://social.example/in/{i}",
               f"{r.random():.4f}", f"{10000 + i % 89999}", "", str(i)]


def csv_file(bench, count):
    path = bench.tools / f"rows-{count}.csv"
    if not path.exists():
        part = path.with_suffix(".part")
        with open(part, "w", encoding="utf-8", newline="") as f:
            f.write(",".join(COLUMNS) + "\n")
            for row in rows(count):
                f.write(",".join(row) + "\n")
        part.rename(path)
    return path
