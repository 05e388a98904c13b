// Cell values by column type: how typed text is read and how a value is shown.
import type { CellValue, ColumnType } from "../../api/types";

export type Parsed = { ok: true; value: CellValue } | { ok: false; message: string };

const TRUE = /^(true|yes|y|1|on)$/i;
const FALSE = /^(false|no|n|0|off)$/i;

const ok = (value: CellValue): Parsed => ({ ok: true, value });
const bad = (message: string): Parsed => ({ ok: false, message });

/** Reads what a person typed or pasted into a cell of this type. Empty text is no value. */
export function parseValue(raw: unknown, type: ColumnType): Parsed {
  if (raw === null || raw === undefined) return ok(null);
  if (typeof raw === "boolean" || typeof raw === "number") {
    if (type === "number" && typeof raw === "number") return ok(raw);
    if (type === "boolean" && typeof raw === "boolean") return ok(raw);
  }
  const text = (typeof raw === "object" ? JSON.stringify(raw) : String(raw)).trim();
  if (text === "") return ok(null);
  switch (type) {
    case "number": {
      const plain = text.replace(/[\s\u00a0\u202f']/g, "");
      const n = Number(/^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(plain) ? plain.replace(/,/g, "") : plain);
      return Number.isFinite(n) ? ok(n) : bad(`“${text}” is not a number`);
    }
    case "boolean":
      if (TRUE.test(text)) return ok(true);
      if (FALSE.test(text)) return ok(false);
      return bad(`“${text}” is neither yes nor no`);
    case "date": {
      const iso = /^(\d{4})-(\d{2})-(\d{2})/.exec(text);
      const date = iso ? new Date(`${iso[0]}T00:00:00Z`) : new Date(NaN);
      if (iso && !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 10) === iso[0])
        return ok(iso[0]);
      return bad(`“${text}” is not a date (use 2026-11-24)`);
    }
    case "email":
      return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text) ? ok(text) : bad(`“${text}” is not an e-mail address`);
    case "url": {
      if (/\s/.test(text) || !/\./.test(text)) return bad(`“${text}” is not a web address`);
      return ok(text);
    }
    case "phone":
      return /^[+()\d][\d\s().\-/x]{3,}$/i.test(text) ? ok(text) : bad(`“${text}” is not a phone number`);
    case "json":
      try {
        return ok(JSON.parse(text) as CellValue);
      } catch {
        return bad("This is not valid JSON");
      }
    default:
      return ok(text);
  }
}

const numberFormat = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 });

/** The text of a value in the grid. */
export function formatValue(value: CellValue | undefined, type: ColumnType, key = ""): string {
  if (value === null || value === undefined) return "";
  if (type === "number" && typeof value === "number")
    return /year/.test(key) ? String(value) : numberFormat.format(value);
  if (type === "boolean" && typeof value === "boolean") return value ? "Yes" : "No";
  if (Array.isArray(value))
    return value.map((v) => (typeof v === "object" ? JSON.stringify(v) : String(v))).join(", ");
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** The text of a value in the clipboard: what parseValue reads back. */
export function plainValue(value: CellValue | undefined): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function selectOptions(options: unknown): string[] {
  const list = Array.isArray(options)
    ? options
    : typeof options === "object" && options !== null
      ? ((options as { choices?: unknown; values?: unknown }).choices ??
        (options as { values?: unknown }).values)
      : [];
  return Array.isArray(list)
    ? list.map((o) => (typeof o === "object" && o ? String(o.name ?? o.value) : String(o)))
    : [];
}
