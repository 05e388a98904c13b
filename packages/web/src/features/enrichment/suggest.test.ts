import { expect, it } from "vitest";
import { FIELDS, PROVIDERS } from "../../../tests/fixture/catalogue";
import type { Column } from "../../api/types";
import { availableInputs, fieldOf, suggest, waterfallFor } from "./suggest";

const column = (name: string, key = name.toLowerCase()): Column => ({
  id: key,
  key,
  name,
  type: "text",
  position: 0,
  hidden: false,
});

it("recognises columns by key, by name and by what people call them", () => {
  expect(fieldOf(column("Whatever", "domain"), FIELDS)).toBe("domain");
  expect(fieldOf(column("Company Name", "x1"), FIELDS)).toBe("company_name");
  expect(fieldOf(column("Firma"), FIELDS)).toBe("company_name");
  expect(fieldOf(column("Web site", "web_site"), FIELDS)).toBe("website");
  expect(fieldOf(column("Shoe size"), FIELDS)).toBeNull();
});

it("lets a web address stand in for a domain", () => {
  expect(availableInputs([column("Website")], FIELDS)).toEqual(new Set(["website", "domain"]));
});

it("proposes only providers that the table can feed, free and cheap ones first", () => {
  const available = availableInputs([column("Company")], FIELDS);
  expect(waterfallFor("industry", PROVIDERS, available)).toEqual(["pdl-company"]);
  const more = availableInputs([column("Website")], FIELDS);
  expect(waterfallFor("industry", PROVIDERS, more)).toEqual([
    "hunter-company",
    "pdl-company",
    "abstract-company",
  ]);
});

it("suggests the company set, reusing columns that are there", () => {
  const list = suggest([column("Company"), column("Website"), column("Industry")], PROVIDERS, FIELDS);
  expect(list.map((s) => s.key)).toEqual(["industry", "employee_count", "country", "description", "email"]);
  expect(list[0]?.columnId).toBe("industry");
  expect(list[1]?.columnId).toBeNull();
  expect(list.every((s) => s.waterfall.length > 0)).toBe(true);
});

it("suggests nothing for a table that gives nothing to ask by", () => {
  expect(suggest([column("Colour")], PROVIDERS, FIELDS)).toEqual([]);
});

it("does not offer some contact's address for the person whom a row names", () => {
  const desk = PROVIDERS.map((p) => ({ ...p, subject: "company" as const }));
  const company = availableInputs([column("Domain")], FIELDS);
  const people = availableInputs([column("Full name", "full_name"), column("Domain")], FIELDS);
  expect(waterfallFor("email", desk, company).length).toBeGreaterThan(0);
  expect(waterfallFor("email", desk, people)).toEqual([]);
  expect(waterfallFor("industry", desk, people).length).toBeGreaterThan(0);
});
