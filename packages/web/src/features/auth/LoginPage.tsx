// Sign in by password, or at once by the link that the start-up script prints.
import { useEffect, useState } from "react";
import { Link, Navigate, useNavigate, useSearchParams } from "react-router";
import { describe } from "../../api/envelope";
import type { Session } from "../../api/types";
import { useTitle } from "../../lib/hooks";
import { useAuth } from "../../stores/auth";
import { Field } from "../../ui/Field";
import { Loading } from "../../ui/States";
import { AuthLayout } from "./AuthLayout";
import * as authApi from "./api";
import { useAuthForm } from "./useAuthForm";

/** A link works once: a second render must not spend it again. */
const links = new Map<string, Promise<Session>>();

/** Only paths of this app: never another site's address. */
export const safeNext = (next: string | null): string => (next && /^\/(?![/\\])/.test(next) ? next : "/");

export function LoginPage() {
  useTitle("Sign in");
  const [params] = useSearchParams();
  const token = params.get("token");
  const next = safeNext(params.get("next"));
  const navigate = useNavigate();
  const accept = useAuth((s) => s.accept);
  const status = useAuth((s) => s.status);
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [linkFault, setLinkFault] = useState<string | null>(null);
  const form = useAuthForm(async () => {
    accept(await authApi.login(email.trim(), password));
    navigate(next, { replace: true });
  });

  useEffect(() => {
    if (!token) return;
    let live = true;
    let spent = links.get(token);
    if (!spent) {
      spent = authApi.loginByLink(token);
      links.set(token, spent);
    }
    spent.then(
      (session) => {
        if (!live) return;
        accept(session);
        navigate("/", { replace: true });
      },
      (error: unknown) => live && setLinkFault(describe(error)),
    );
    return () => {
      live = false;
    };
  }, [token, accept, navigate]);

  if (token && !linkFault) return <Loading label="Signing you in" />;
  if (!token && status === "signed-in") return <Navigate to={next} replace />;
  return (
    <AuthLayout title="Welcome back" lead="Sign in to your tables.">
      {linkFault && (
        <p className="notice warn" role="alert">
          This sign-in link no longer works: {linkFault}
        </p>
      )}
      {form.message && (
        <p className="notice error" role="alert">
          {form.message}
        </p>
      )}
      <form onSubmit={form.onSubmit} noValidate>
        <Field
          label="E-mail"
          type="email"
          autoComplete="username"
          required
          autoFocus
          value={email}
          fault={form.faults.email}
          onChange={(e) => setEmail(e.target.value)}
        />
        <Field
          label="Password"
          type="password"
          autoComplete="current-password"
          required
          value={password}
          fault={form.faults.password}
          onChange={(e) => setPassword(e.target.value)}
        />
        <button type="submit" className="btn primary large" disabled={form.busy}>
          {form.busy && <span className="spinner" />} Sign in
        </button>
      </form>
      <div className="row between auth-alt">
        <span>
          New here? <Link to="/register">Create an account</Link>
        </span>
        <Link to="/forgot">Forgot password?</Link>
      </div>
    </AuthLayout>
  );
}
