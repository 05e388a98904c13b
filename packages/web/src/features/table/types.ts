// Column types: names and icons.
import type { ColumnType } from "../../api/types";

export const TYPE_NAMES: Readonly<Record<ColumnType, string>> = {
  text: "Text",
  number: "Number",
  boolean: "Yes / no",
  date: "Date",
  url: "Web address",
  email: "E-mail",
  phone: "Phone",
  select: "Select",
  json: "JSON",
};

/** The width that the server gives a column nobody has sized: shown as its type asks instead. */
export const UNSIZED = 180;

export const DEFAULT_WIDTH: Readonly<Record<ColumnType, number>> = {
  text: 200,
  number: 150,
  boolean: 100,
  date: 130,
  url: 200,
  email: 220,
  phone: 160,
  select: 150,
  json: 220,
};
