// What to offer for a table: which fields are worth filling, from which columns, by which providers.
import type { Column, FieldDef, Provider } from "../../api/types";
import { defaultWaterfall } from "./cost";

/** Field key → names that people give to its column, simplified. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  company_name: [
    "company",
    "companyname",
    "organisation",
    "organization",
    "account",
    "accountname",
    "firma",
    "unternehmen",
    "employer",
    "business",
  ],
  website: ["website", "web", "site", "url", "homepage", "companywebsite", "webseite"],
  domain: ["domain", "companydomain", "websitedomain"],
  full_name: ["fullname", "contact", "contactname", "person", "personname", "kontakt"],
  first_name: ["firstname", "givenname", "vorname", "forename"],
  last_name: ["lastname", "surname", "familyname", "nachname"],
  email: ["email", "emailaddress", "mail", "workemail", "contactemail", "businessemail"],
  phone: ["phone", "telephone", "phonenumber", "mobile", "tel", "telefon"],
  title: ["title", "jobtitle", "position"],
  linkedin_url: ["linkedin", "linkedinurl", "linkedinprofile"],
  employee_count: ["employees", "employeecount", "headcount", "companysize", "size", "mitarbeiter"],
  country: ["country", "land"],
  industry: ["industry", "sector", "branche"],
  description: ["description", "about", "summary"],
  founded_year: ["founded", "foundedyear", "yearfounded"],
};

const simple = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/** The field that a column holds, by its key or its name; null when it is none of the vocabulary. */
export function fieldOf(column: Pick<Column, "key" | "name">, fields: readonly FieldDef[]): string | null {
  if (fields.some((f) => f.key === column.key)) return column.key;
  const names = [simple(column.name), simple(column.key)];
  for (const f of fields) if (names.includes(simple(f.key)) || names.includes(simple(f.name))) return f.key;
  for (const f of fields) if (f.aliases?.some((a) => names.includes(simple(a)))) return f.key;
  for (const [key, aliases] of Object.entries(ALIASES))
    if (fields.some((f) => f.key === key) && names.some((n) => aliases.includes(n))) return key;
  return null;
}

/** The inputs that the table's columns give. A web address gives its domain and the other way round. */
export function availableInputs(columns: readonly Column[], fields: readonly FieldDef[]): Set<string> {
  const out = new Set<string>();
  for (const c of columns) {
    const key = fieldOf(c, fields);
    if (key) out.add(key);
  }
  if (out.has("website")) out.add("domain");
  if (out.has("domain")) out.add("website");
  return out;
}

/** Whether a provider can be asked: all required inputs are there, and one of its alternatives. */
export function canFeed(provider: Provider, available: ReadonlySet<string>): boolean {
  if (!provider.inputs.every((i) => !i.required || available.has(i.key))) return false;
  if (provider.requireOneOf && provider.requireOneOf.length > 0)
    return provider.requireOneOf.some((group) => group.every((key) => available.has(key)));
  return provider.inputs.length === 0 || provider.inputs.some((i) => available.has(i.key));
}

const PERSON_INPUTS = ["full_name", "first_name", "last_name"];

/** A provider that looks for a given person is of no use to a table that names none. */
const wantsPerson = (provider: Provider, available: ReadonlySet<string>): boolean =>
  provider.inputs.some((i) => PERSON_INPUTS.includes(i.key)) &&
  !["full_name", "first_name", "linkedin_url"].some((k) => available.has(k));

const PERSONAL = ["email", "phone", "title", "full_name", "first_name", "last_name", "linkedin_url"];

/** What a provider about companies says of some contact there is not about the person whom a row names. */
const isOfAnother = (provider: Provider, key: string, available: ReadonlySet<string>): boolean =>
  provider.subject === "company" &&
  PERSONAL.includes(key) &&
  ["full_name", "first_name", "linkedin_url"].some((k) => available.has(k));

/** The preselected waterfall for one field: only providers that this table can feed. */
export function waterfallFor(
  key: string,
  providers: readonly Provider[],
  available: ReadonlySet<string>,
): string[] {
  const usable = providers.filter(
    (p) =>
      p.available !== false &&
      canFeed(p, available) &&
      !wantsPerson(p, available) &&
      !isOfAnother(p, key, available) &&
      !p.inputs.some((i) => i.required && i.key === key),
  );
  return defaultWaterfall(key, usable);
}

const COMPANY_SET = ["industry", "employee_count", "country", "description", "email"];
const PERSON_SET = ["email", "title", "linkedin_url", "phone"];

export interface Suggestion {
  key: string;
  /** The column to fill; null means that one is to be added. */
  columnId: string | null;
  waterfall: string[];
}

/** A sensible set of fields for this table, each with a waterfall that works on its columns. */
export function suggest(
  columns: readonly Column[],
  providers: readonly Provider[],
  fields: readonly FieldDef[],
): Suggestion[] {
  const available = availableInputs(columns, fields);
  const person = ["full_name", "first_name", "linkedin_url"].some((k) => available.has(k));
  const wanted = person ? [...PERSON_SET, ...COMPANY_SET.slice(0, 3)] : COMPANY_SET;
  const out: Suggestion[] = [];
  for (const key of wanted) {
    if (!fields.some((f) => f.key === key)) continue;
    const waterfall = waterfallFor(key, providers, available);
    if (waterfall.length === 0) continue;
    const column = columns.find((c) => fieldOf(c, fields) === key);
    out.push({ key, columnId: column?.id ?? null, waterfall });
  }
  return out;
}
