// Asks for a password reset. The answer is the same whether or not the address is known.
import { useState } from "react";
import { Link } from "react-router";
import { useTitle } from "../../lib/hooks";
import { Field } from "../../ui/Field";
import { AuthLayout } from "./AuthLayout";
import * as authApi from "./api";
import { useAuthForm } from "./useAuthForm";

export function ForgotPage() {
  useTitle("Reset your password");
  const [email, setEmail] = useState("");
  const [sent, setSent] = useState(false);
  const form = useAuthForm(async () => {
    await authApi.forgotPassword(email.trim());
    setSent(true);
  });
  return (
    <AuthLayout title="Reset your password">
      {sent ? (
        <p className="notice" role="status">
          If there is an account for {email}, a reset link is on its way. It works for a short time only.
        </p>
      ) : (
        <>
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
            <button type="submit" className="btn primary large" disabled={form.busy}>
              {form.busy && <span className="spinner" />} Send the link
            </button>
          </form>
        </>
      )}
      <p className="auth-alt">
        <Link to="/login">Back to sign in</Link>
      </p>
    </AuthLayout>
  );
}
