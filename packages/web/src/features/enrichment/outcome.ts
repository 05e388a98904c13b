// What came of asking a provider, in words.
const NAMES: Readonly<Record<string, string>> = {
  hit: "found",
  complete: "found",
  success: "found",
  miss: "nothing found",
  not_found: "nothing found",
  low_confidence: "found, but not sure enough",
  below_confidence: "found, but not sure enough",
  invalid: "answer did not fit",
  schema_violation: "answer did not fit",
  retryable_error: "failed",
  permanent_error: "failed",
  auth_error: "key refused",
  error: "failed",
  failed: "failed",
  timeout: "no answer in time",
  rate_limited: "asked to slow down",
  breaker_open: "paused after failures",
  circuit_open: "paused after failures",
  skipped: "skipped",
  no_input: "lacked an input",
  missing_input: "lacked an input",
  budget: "budget used up",
  cancelled: "cancelled",
};

export const outcomeName = (outcome: string): string => NAMES[outcome] ?? outcome.replace(/_/g, " ");

export function outcomeTone(outcome: string): "good" | "warn" | "bad" | "" {
  const name = outcomeName(outcome);
  if (name === "found") return "good";
  if (/not sure|did not fit|slow down|paused/.test(name)) return "warn";
  if (/failed|no answer|refused/.test(name)) return "bad";
  return "";
}
