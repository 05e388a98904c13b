// Where a provider's answers come from; the sandbox says plainly that its data is for demonstration.
import type { ProviderSource } from "../../api/types";

const NAMES: Readonly<Record<ProviderSource, [long: string, short: string]>> = {
  builtin: ["Built in", "Built in"],
  sandbox: ["Sandbox demo data", "Sandbox"],
  remote: ["Live provider", "Live"],
  workspace: ["Your own provider", "Own"],
};

export function SourceBadge({
  source,
  short,
}: {
  source: ProviderSource | null | undefined;
  short?: boolean;
}) {
  if (!source || !NAMES[source]) return null;
  return <span className={`badge ${source}`}>{NAMES[source][short ? 1 : 0]}</span>;
}
