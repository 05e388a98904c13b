// A dialog around one small form: Cancel and submit, busy while it is sent, and the fault when it is refused.
import { type ReactNode, useId, useState } from "react";
import { describe } from "../api/envelope";
import { Dialog } from "./Dialog";

interface Props {
  title: string;
  submitLabel: string;
  /** Whether there is enough to send. */
  ready: boolean;
  /** Closes the dialog itself once it has succeeded. */
  onSubmit: () => Promise<void>;
  onClose: () => void;
  autoComplete?: "off";
  children: (fault: string | undefined) => ReactNode;
}

export function FormDialog({ title, submitLabel, ready, onSubmit, onClose, autoComplete, children }: Props) {
  const id = useId();
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    try {
      await onSubmit();
    } catch (error) {
      setFault(describe(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <button type="button" className="btn" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" form={id} className="btn primary" disabled={busy || !ready}>
            {submitLabel}
          </button>
        </>
      }
    >
      <form
        id={id}
        className="stack"
        autoComplete={autoComplete}
        onSubmit={(e) => {
          e.preventDefault();
          if (ready && !busy) void submit();
        }}
      >
        {children(fault)}
      </form>
    </Dialog>
  );
}
