// The toast stack. Polite for news, assertive for errors.
import { useUi } from "../stores/ui";
import { Icon } from "./Icon";

export function Toasts() {
  const toasts = useUi((s) => s.toasts);
  const dismiss = useUi((s) => s.dismiss);
  return (
    <section className="toasts" aria-label="Notifications">
      {toasts.map((t) => (
        <div key={t.id} className={`toast ${t.kind}`} role={t.kind === "error" ? "alert" : "status"}>
          <div className="grow">
            <b>{t.title}</b>
            {t.detail && <p>{t.detail}</p>}
            {t.action && (
              <button
                type="button"
                className="link"
                onClick={() => {
                  dismiss(t.id);
                  t.action?.run();
                }}
              >
                {t.action.label}
              </button>
            )}
          </div>
          <button
            type="button"
            className="btn ghost icon small"
            aria-label="Dismiss"
            onClick={() => dismiss(t.id)}
          >
            <Icon name="x" size={16} />
          </button>
        </div>
      ))}
    </section>
  );
}
