// Submit state shared by the signed-out forms: busy, the faults by field, and the one that has no field.
import { type FormEvent, useState } from "react";
import { ApiError, describe } from "../../api/envelope";

export function useAuthForm(submit: () => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [message, setMessage] = useState<string | null>(null);
  return {
    busy,
    faults,
    message,
    setMessage,
    onSubmit: async (e: FormEvent) => {
      e.preventDefault();
      if (busy) return;
      setBusy(true);
      setFaults({});
      setMessage(null);
      try {
        await submit();
      } catch (error) {
        const fields = error instanceof ApiError ? error.fields() : {};
        setFaults(fields);
        if (error instanceof ApiError && error.status === 429)
          setMessage(`Too many attempts. Please try again in ${error.retryAfter ?? 60} s.`);
        else if (Object.keys(fields).length === 0) setMessage(describe(error));
      } finally {
        setBusy(false);
      }
    },
  };
}
