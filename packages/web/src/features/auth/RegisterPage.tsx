// A new account with its first workspace.
import { useState } from "react";
import { Link, Navigate, useNavigate, useSearchParams } from "react-router";
import { useTitle } from "../../lib/hooks";
import { useAuth } from "../../stores/auth";
import { Field } from "../../ui/Field";
import { AuthLayout } from "./AuthLayout";
import * as authApi from "./api";
import { safeNext } from "./LoginPage";
import { useAuthForm } from "./useAuthForm";

export function RegisterPage() {
  useTitle("Create an account");
  const [params] = useSearchParams();
  const next = safeNext(params.get("next"));
  const navigate = useNavigate();
  const accept = useAuth((s) => s.accept);
  const status = useAuth((s) => s.status);
  const [name, setName] = useState("");
  const [email, setEmail] = useState(params.get("email") ?? "");
  const [password, setPassword] = useState("");
  const form = useAuthForm(async () => {
    accept(await authApi.register({ name: name.trim(), email: email.trim(), password }));
    navigate(next, { replace: true });
  });
  if (status === "signed-in") return <Navigate to={next} replace />;
  return (
    <AuthLayout title="Create your account" lead="It comes with a workspace and starter credits.">
      {form.message && (
        <p className="notice error" role="alert">
          {form.message}
        </p>
      )}
      <form onSubmit={form.onSubmit} noValidate>
        <Field
          label="Name"
          autoComplete="name"
          required
          autoFocus
          value={name}
          fault={form.faults.name}
          onChange={(e) => setName(e.target.value)}
        />
        <Field
          label="E-mail"
          type="email"
          autoComplete="username"
          required
          value={email}
          fault={form.faults.email}
          onChange={(e) => setEmail(e.target.value)}
        />
        <Field
          label="Password"
          type="password"
          autoComplete="new-password"
          required
          hint="At least 8 characters; a short sentence is best."
          value={password}
          fault={form.faults.password}
          onChange={(e) => setPassword(e.target.value)}
        />
        <button type="submit" className="btn primary large" disabled={form.busy}>
          {form.busy && <span className="spinner" />} Create account
        </button>
      </form>
      <p className="auth-alt">
        Already have one? <Link to={`/login?next=${encodeURIComponent(next)}`}>Sign in</Link>
      </p>
    </AuthLayout>
  );
}
