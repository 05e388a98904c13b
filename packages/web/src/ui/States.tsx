// What a screen shows when it is loading, empty or broken.
import type { ReactNode } from "react";
import { describe } from "../api/envelope";
import { Icon, type IconName } from "./Icon";

export function Loading({ label = "Loading" }: { label?: string }) {
  return (
    <div className="center fill muted" role="status">
      <span className="spinner" />
      <span>{label}…</span>
    </div>
  );
}

export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div className="center fill" role="alert">
      <Icon name="warn" size={32} />
      <h2>This could not be loaded</h2>
      <p className="muted">{describe(error)}</p>
      {onRetry && (
        <button type="button" className="btn" onClick={onRetry}>
          <Icon name="retry" /> Try again
        </button>
      )}
    </div>
  );
}

export function EmptyState({
  icon,
  title,
  text,
  children,
}: {
  icon: IconName;
  title: string;
  text: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className="center">
      <span className="empty-icon">
        <Icon name={icon} size={26} />
      </span>
      <h2>{title}</h2>
      <p className="muted empty-text">{text}</p>
      {children}
    </div>
  );
}

export function Skeleton({ rows = 5 }: { rows?: number }) {
  return (
    <div className="stack" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="skeleton" style={{ height: 44, opacity: 1 - i / (rows + 1) }} />
      ))}
    </div>
  );
}
