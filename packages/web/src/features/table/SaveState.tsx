// Whether the edits made here are stored.
import { plural } from "../../lib/format";
import { useGrid } from "../../stores/grid";
import { useUi } from "../../stores/ui";

export function SaveState() {
  const pending = useGrid((s) =>
    Object.values(s.pending).reduce((n, cells) => n + Object.keys(cells).length, 0),
  );
  const saving = useGrid((s) => s.saving);
  const failed = useGrid((s) => s.saveFailed);
  const flush = useGrid((s) => s.flush);
  const offline = useUi((s) => s.offline);
  if (failed && pending > 0)
    return (
      <span className="save-failed" role="alert">
        {plural(pending, "change")} not saved: {failed}{" "}
        <button type="button" className="link" onClick={() => void flush()}>
          Save now
        </button>
      </span>
    );
  if (offline && pending > 0)
    return <span role="status">{plural(pending, "change")} waiting for the connection</span>;
  if (saving || pending > 0) return <span role="status">Saving…</span>;
  return <span role="status">All changes saved</span>;
}
