import { describe, expect, it } from "vitest";
import type { ColumnType } from "../../api/types";
import { formatValue, parseValue, plainValue, selectOptions } from "./values";

describe("parseValue", () => {
  it.each<[unknown, ColumnType, unknown]>([
    ["", "text", null],
    ["  hi ", "text", "hi"],
    ["1,234.5", "number", 1234.5],
    ["12 000", "number", 12000],
    [42, "number", 42],
    ["yes", "boolean", true],
    ["No", "boolean", false],
    ["2026-02-28", "date", "2026-02-28"],
    ["a@b.co", "email", "a@b.co"],
    ["example.com", "url", "example.com"],
    ["+49 30 1234", "phone", "+49 30 1234"],
    ['{"a":[1]}', "json", { a: [1] }],
  ])("reads %j as %s", (raw, type, value) => {
    expect(parseValue(raw, type)).toEqual({ ok: true, value });
  });

  it.each<[string, ColumnType]>([
    ["abc", "number"],
    ["perhaps", "boolean"],
    ["2026-02-30", "date"],
    ["31.12.2026", "date"],
    ["a@b", "email"],
    ["two words.com", "url"],
    ["none", "phone"],
    ["{", "json"],
  ])("refuses %j as %s and says why", (raw, type) => {
    const r = parseValue(raw, type);
    expect(r.ok).toBe(false);
    if (!r.ok) expect(r.message).toMatch(/not|neither/);
  });
});

it("shows numbers with separators, but not years, and nothing for no value", () => {
  expect(formatValue(1234567, "number", "employee_count")).toBe("1,234,567");
  expect(formatValue(1984, "number", "founded_year")).toBe("1984");
  expect(formatValue(true, "boolean")).toBe("Yes");
  expect(formatValue(null, "text")).toBe("");
  expect(formatValue(["a", "b"], "json")).toBe("a, b");
});

it("copies what it can read back", () => {
  for (const [v, t] of [
    [1234.5, "number"],
    [false, "boolean"],
    [{ a: 1 }, "json"],
  ] as const)
    expect(parseValue(plainValue(v), t)).toEqual({ ok: true, value: v });
});

it("finds select options in the usual shapes", () => {
  expect(selectOptions(["a", "b"])).toEqual(["a", "b"]);
  expect(selectOptions({ choices: ["a"] })).toEqual(["a"]);
  expect(selectOptions(undefined)).toEqual([]);
});
