// A menu at a point of the screen, usable by keyboard: arrows, Home, End, letters, Escape.
import { type ReactNode, useEffect, useLayoutEffect, useRef } from "react";
import { createPortal } from "react-dom";
import { useDismiss } from "../lib/hooks";
import { Icon, type IconName } from "./Icon";

export type MenuItem =
  | "separator"
  | { title: string }
  | {
      label: string;
      icon?: IconName;
      end?: ReactNode;
      danger?: boolean;
      disabled?: boolean;
      checked?: boolean;
      run: () => void;
    };

export interface MenuAt {
  x: number;
  y: number;
}

/** Where a menu under this element goes. */
export const below = (el: Element): MenuAt => {
  const r = el.getBoundingClientRect();
  return { x: r.left, y: r.bottom + 4 };
};

export function Menu({
  at,
  label,
  items,
  onClose,
}: {
  at: MenuAt;
  label: string;
  items: MenuItem[];
  onClose: () => void;
}) {
  const ref = useRef<HTMLDivElement>(null);
  const before = useRef(document.activeElement as HTMLElement | null);
  useDismiss(ref, () => {
    onClose();
    before.current?.focus?.();
  });

  useLayoutEffect(() => {
    const node = ref.current;
    if (!node) return;
    const r = node.getBoundingClientRect();
    node.style.left = `${Math.max(8, Math.min(at.x, window.innerWidth - r.width - 8))}px`;
    node.style.top = `${Math.max(8, Math.min(at.y, window.innerHeight - r.height - 8))}px`;
  }, [at.x, at.y]);

  useEffect(() => {
    ref.current?.querySelector<HTMLButtonElement>("button:not(:disabled)")?.focus();
  }, []);

  const move = (e: React.KeyboardEvent) => {
    const buttons = [...(ref.current?.querySelectorAll<HTMLButtonElement>("button:not(:disabled)") ?? [])];
    const i = buttons.indexOf(document.activeElement as HTMLButtonElement);
    let next: HTMLButtonElement | undefined;
    if (e.key === "ArrowDown") next = buttons[(i + 1) % buttons.length];
    else if (e.key === "ArrowUp") next = buttons[(i - 1 + buttons.length) % buttons.length];
    else if (e.key === "Home") next = buttons[0];
    else if (e.key === "End") next = buttons.at(-1);
    else if (e.key === "Tab") onClose();
    else if (/^\p{L}$/u.test(e.key))
      next = [...buttons.slice(i + 1), ...buttons].find((b) =>
        b.textContent?.trim().toLowerCase().startsWith(e.key.toLowerCase()),
      );
    if (next) {
      e.preventDefault();
      next.focus();
    }
  };

  return createPortal(
    <div className="menu" role="menu" aria-label={label} ref={ref} onKeyDown={move} tabIndex={-1}>
      {items.map((item, i) =>
        item === "separator" ? (
          <hr key={i} />
        ) : "title" in item ? (
          <div className="menu-title" key={i}>
            {item.title}
          </div>
        ) : (
          <button
            key={i}
            type="button"
            {...(item.checked === undefined
              ? { role: "menuitem" }
              : { role: "menuitemradio", "aria-checked": item.checked })}
            className={item.danger ? "danger" : undefined}
            disabled={item.disabled}
            onClick={() => {
              onClose();
              before.current?.focus?.();
              item.run();
            }}
          >
            {item.icon && <Icon name={item.icon} size={16} />}
            <span className="grow">{item.label}</span>
            {item.end && <span className="end">{item.end}</span>}
            {item.checked && <Icon name="check" size={16} />}
          </button>
        ),
      )}
    </div>,
    document.querySelector("dialog[open]") ?? document.body,
  );
}
