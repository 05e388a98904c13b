// The frame of the signed-out screens.
import type { ReactNode } from "react";
import { Logo } from "../../ui/Icon";
import "./auth.css";

const DEMO: [string, string, string][] = [
  ["Industry", "Consumer electronics", "Company data"],
  ["Employees", "164,000", "Company data"],
  ["Country", "United States", "Company data"],
  ["Contact e-mail", "press@…", "E-mail finder"],
];

export function AuthLayout({
  title,
  lead,
  children,
}: {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className="auth">
      <main className="auth-form">
        <div className="auth-brand">
          <Logo size={34} />
          <span>Millrace</span>
        </div>
        <h1>{title}</h1>
        {lead && <p className="muted">{lead}</p>}
        {children}
      </main>
      <aside className="auth-side" aria-label="What Millrace does">
        <p className="auth-claim">Bring a list. Fill its gaps, and see where every value came from.</p>
        <ol className="auth-demo">
          {DEMO.map(([field, value, by], i) => (
            <li key={field} style={{ animationDelay: `${0.15 + i * 0.22}s` }}>
              <span>{field}</span>
              <b>{value}</b>
              <em>{by}</em>
            </li>
          ))}
        </ol>
        <p className="auth-note">A quote before anything runs, and a limit that holds.</p>
      </aside>
    </div>
  );
}
