// The provider catalogue and the field vocabulary.
import { api, ws } from "../../api/client";
import type { ColumnType, FieldDef, Provider } from "../../api/types";

/** The providers as a workspace can use them, its own ones among them. */
export const listProviders = async (workspaceId: string): Promise<Provider[]> =>
  (await api.page<Provider>(`${ws(workspaceId)}/providers`)).items;

interface WireField {
  key: string;
  name?: string;
  label?: string;
  type?: ColumnType;
  description?: string;
  aliases?: string[];
}

const TITLES: Record<string, string> = { url: "URL", linkedin: "LinkedIn" };

/** "employee_count" → "Employee count". */
export const titleOf = (key: string): string => {
  const words = key.split("_").map((w) => TITLES[w] ?? w);
  const first = words[0] ?? "";
  return [first.charAt(0).toUpperCase() + first.slice(1), ...words.slice(1)].join(" ");
};

export async function listFields(): Promise<FieldDef[]> {
  const { items } = await api.page<WireField>("/fields");
  return items.map((f) => ({
    key: f.key,
    name: f.name ?? f.label ?? titleOf(f.key),
    type: f.type ?? "text",
    description: f.description,
    aliases: f.aliases,
  }));
}
