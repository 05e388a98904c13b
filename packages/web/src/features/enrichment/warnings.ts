// Warnings of a quote, for people: providers by their names, and one sentence for many of the same kind.
import type { Estimate, Provider } from "../../api/types";

export function gatherWarnings(
  warnings: Estimate["warnings"],
  providers: readonly Pick<Provider, "slug" | "name">[],
): string[] {
  const groups = new Map<string, string[]>();
  for (const w of warnings) {
    const text = typeof w === "string" ? w : w.message;
    const slug = /^[a-z0-9][a-z0-9-]*(?= )/.exec(text)?.[0];
    const provider = slug ? providers.find((p) => p.slug === slug) : undefined;
    const rest = provider && slug ? text.slice(slug.length).trim() : text;
    const names = groups.get(rest) ?? [];
    if (provider) names.push(provider.name);
    groups.set(rest, names);
  }
  return [...groups].map(([rest, names]) => {
    if (names.length === 0) return rest;
    if (names.length === 1) return `${names[0]} ${rest}`;
    const shown =
      names.length <= 3 ? names.join(", ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} others`;
    const many = rest.replace(/\bits\b/g, "their");
    return many.startsWith("has ") ? `${shown} have ${many.slice(4)}` : `${shown}: ${many}`;
  });
}
