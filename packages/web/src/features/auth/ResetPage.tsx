// Sets a new password with the token of a reset link.
import { useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { useTitle } from "../../lib/hooks";
import { toast } from "../../stores/ui";
import { Field } from "../../ui/Field";
import { AuthLayout } from "./AuthLayout";
import * as authApi from "./api";
import { useAuthForm } from "./useAuthForm";

export function ResetPage() {
  useTitle("Choose a new password");
  const [params] = useSearchParams();
  const token = params.get("token") ?? "";
  const navigate = useNavigate();
  const [password, setPassword] = useState("");
  const form = useAuthForm(async () => {
    await authApi.resetPassword(token, password);
    toast("success", "Your password is changed", "Sign in with the new one.");
    navigate("/login", { replace: true });
  });
  return (
    <AuthLayout title="Choose a new password">
      {!token && (
        <p className="notice warn" role="alert">
          This page needs the link from the e-mail.
        </p>
      )}
      {(form.message || form.faults.token) && (
        <p className="notice error" role="alert">
          {form.message ?? form.faults.token}
        </p>
      )}
      <form onSubmit={form.onSubmit} noValidate>
        <Field
          label="New password"
          type="password"
          autoComplete="new-password"
          required
          autoFocus
          value={password}
          fault={form.faults.password}
          onChange={(e) => setPassword(e.target.value)}
        />
        <button type="submit" className="btn primary large" disabled={form.busy || !token}>
          {form.busy && <span className="spinner" />} Change password
        </button>
      </form>
      <p className="auth-alt">
        <Link to="/login">Back to sign in</Link>
      </p>
    </AuthLayout>
  );
}
