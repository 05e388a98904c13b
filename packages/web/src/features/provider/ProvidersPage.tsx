// The catalogue: who can be asked for what, at which price, and where the answers really come from.
import { useMemo, useState } from "react";
import { Link } from "react-router";
import type { Provider } from "../../api/types";
import { Topbar } from "../../app/Topbar";
import { credits } from "../../lib/format";
import { useTitle } from "../../lib/hooks";
import { useCatalogue, useSandbox } from "../../stores/catalogue";
import { useActiveWorkspace } from "../../stores/workspace";
import { EmptyState, ErrorState, Skeleton } from "../../ui/States";
import { colourOf } from "../record/cell";
import { useRole } from "../workspace/useRole";
import { titleOf } from "./api";
import { SourceBadge } from "./SourceBadge";
import "./provider.css";

/** "Domain, or Company name" */
const needs = (p: Provider, nameOf: (key: string) => string): string =>
  p.requireOneOf && p.requireOneOf.length > 0
    ? p.requireOneOf.map((group) => group.map(nameOf).join(" and ")).join(", or ")
    : "any of its inputs";

const matches = (p: Provider, text: string): boolean =>
  [p.name, p.slug, p.category, p.description, ...p.outputs].some((s) => s?.toLowerCase().includes(text));

export default function ProvidersPage() {
  useTitle("Providers");
  const { providers, fields, loaded, error, load } = useCatalogue();
  const sandbox = useSandbox();
  const { can } = useRole();
  const workspace = useActiveWorkspace();
  const [text, setText] = useState("");

  const nameOf = (key: string): string => fields.find((f) => f.key === key)?.name ?? titleOf(key);
  const groups = useMemo(() => {
    const out = new Map<string, Provider[]>();
    for (const p of providers)
      if (matches(p, text.trim().toLowerCase())) out.set(p.category, [...(out.get(p.category) ?? []), p]);
    return [...out].sort(([a], [b]) => a.localeCompare(b));
  }, [providers, text]);

  return (
    <main className="page">
      <Topbar>
        <span className="topbar-title">Providers</span>
      </Topbar>
      <div className="page-inner">
        <div className="page-head">
          <div>
            <h1>Providers</h1>
            <p>
              Whom a waterfall can ask. Each is asked in turn until one has an answer; the rest cost nothing.
            </p>
          </div>
          <input
            className="input provider-search"
            type="search"
            placeholder="Find by name or field"
            aria-label="Find a provider"
            value={text}
            onChange={(e) => setText(e.target.value)}
          />
        </div>
        {sandbox && (
          <p className="notice warn sandbox-note">
            <span>
              <b>Sandbox mode.</b> Providers marked <SourceBadge source="sandbox" /> are played by Millrace's
              own sandbox over shipped demo data: nothing leaves this machine, and nothing is paid to anyone.
              Built-in providers are real and free.
            </span>
          </p>
        )}
        {error && !loaded ? (
          <ErrorState error={error} onRetry={() => workspace && void load(workspace.id)} />
        ) : !loaded ? (
          <Skeleton />
        ) : groups.length === 0 ? (
          <EmptyState icon="search" title="No provider fits" text="Try another word." />
        ) : (
          groups.map(([category, list]) => (
            <section key={category} className="provider-group">
              <h2>{titleOf(category)}</h2>
              <ul>
                {list.map((p) => (
                  <li key={p.slug} className="card provider-card">
                    <div className="row">
                      <span
                        className="provider-mark"
                        style={{ background: colourOf(p.slug) }}
                        aria-hidden="true"
                      >
                        {p.name.slice(0, 1)}
                      </span>
                      <b className="grow">{p.name}</b>
                      <SourceBadge source={p.source} short />
                    </div>
                    <p className="muted provider-text">{p.description}</p>
                    <dl>
                      <div>
                        <dt>Needs</dt>
                        <dd>
                          {p.inputs
                            .filter((i) => i.required)
                            .map((i) => nameOf(i.key))
                            .join(", ") || needs(p, nameOf)}
                        </dd>
                      </div>
                      <div>
                        <dt>Gives</dt>
                        <dd>{p.outputs.map(nameOf).join(", ")}</dd>
                      </div>
                      <div>
                        <dt>Price</dt>
                        <dd className="num">
                          {p.credits.hit === 0 && p.credits.miss === 0
                            ? "free"
                            : `${credits(p.credits.hit)} per hit, ${p.credits.miss === 0 ? "nothing" : credits(p.credits.miss)} per miss`}
                        </dd>
                      </div>
                    </dl>
                    {p.requiresCredential && !p.hasCredential && (
                      <p className="muted">
                        Live use needs your own key
                        {can("manage_credentials") && workspace ? (
                          <>
                            : <Link to={`/w/${workspace.id}/settings/credentials`}>add it</Link>
                          </>
                        ) : (
                          ""
                        )}
                        .
                      </p>
                    )}
                  </li>
                ))}
              </ul>
            </section>
          ))
        )}
      </div>
    </main>
  );
}
