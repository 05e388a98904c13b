// What an invitation link opens: join, or decline.
import { useEffect, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { describe } from "../../api/envelope";
import { useLoad, useTitle } from "../../lib/hooks";
import { useAuth } from "../../stores/auth";
import { toast } from "../../stores/ui";
import { useWorkspace } from "../../stores/workspace";
import { Loading } from "../../ui/States";
import { AuthLayout } from "../auth/AuthLayout";
import { ROLE_NAMES } from "../workspace/permissions";
import * as teamApi from "./api";

export default function InvitationPage() {
  useTitle("Invitation");
  const { token = "" } = useParams();
  const { status, user, restore } = useAuth();
  const navigate = useNavigate();
  const { data, error, loading } = useLoad(token, () => teamApi.getInvitation(token));
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    if (status === "unknown") void restore();
  }, [status, restore]);
  if (loading || status === "unknown") return <Loading label="Opening the invitation" />;
  if (error || !data)
    return (
      <AuthLayout title="This invitation is not valid" lead={describe(error)}>
        <Link className="btn" to="/">
          Go to Millrace
        </Link>
      </AuthLayout>
    );
  const next = encodeURIComponent(`/invitations/${token}`);
  const act = async (accept: boolean) => {
    setBusy(true);
    try {
      if (accept) {
        await teamApi.acceptInvitation(token);
        await useWorkspace.getState().load();
        toast("success", `You joined ${data.workspaceName ?? "the workspace"}`);
      } else await teamApi.declineInvitation(token);
      navigate("/", { replace: true });
    } catch (e) {
      setFault(describe(e));
      setBusy(false);
    }
  };
  return (
    <AuthLayout
      title={`Join ${data.workspaceName ?? "a workspace"}`}
      lead={`You are invited as ${ROLE_NAMES[data.role].toLowerCase()} (${data.email}).`}
    >
      {fault && (
        <p className="notice error" role="alert">
          {fault}
        </p>
      )}
      {status === "signed-in" ? (
        <>
          <p className="muted">Signed in as {user?.email}.</p>
          <div className="row">
            <button
              type="button"
              className="btn primary large"
              disabled={busy}
              onClick={() => void act(true)}
            >
              Accept
            </button>
            <button type="button" className="btn large" disabled={busy} onClick={() => void act(false)}>
              Decline
            </button>
          </div>
        </>
      ) : (
        <div className="stack">
          <Link
            className="btn primary large"
            to={`/register?next=${next}&email=${encodeURIComponent(data.email)}`}
          >
            Create an account
          </Link>
          <Link className="btn large" to={`/login?next=${next}`}>
            Sign in
          </Link>
        </div>
      )}
    </AuthLayout>
  );
}
