// The order in which providers are asked: by drag and drop, or with the arrow buttons.
import { useState } from "react";
import type { Provider } from "../../api/types";
import { credits } from "../../lib/format";
import { Icon } from "../../ui/Icon";
import { SourceBadge } from "../provider/SourceBadge";
import { colourOf } from "../record/cell";

/** The list with the item at `from` moved to `to`. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const item = list[from];
  if (item === undefined || from === to || to < 0 || to >= list.length) return [...list];
  const rest = list.filter((_, i) => i !== from);
  return [...rest.slice(0, to), item, ...rest.slice(to)];
}

interface Props {
  value: string[];
  candidates: Provider[];
  unusable: ReadonlySet<string>;
  onChange: (value: string[]) => void;
}

const price = (p: Provider | undefined): string =>
  !p
    ? ""
    : p.credits.hit === 0 && p.credits.miss === 0
      ? "free"
      : `${credits(p.credits.hit)} hit · ${credits(p.credits.miss)} miss`;

export function Waterfall({ value, candidates, unusable, onChange }: Props) {
  const [dragged, setDragged] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const rest = candidates.filter((p) => !value.includes(p.slug));
  return (
    <div className="waterfall">
      <ol>
        {value.map((slug, i) => {
          const p = candidates.find((c) => c.slug === slug);
          const name = p?.name ?? slug;
          return (
            <li
              key={slug}
              draggable
              className={`step${over === i && dragged !== i ? " over" : ""}${dragged === i ? " dragged" : ""}`}
              onDragStart={(e) => {
                e.dataTransfer.effectAllowed = "move";
                e.dataTransfer.setData("text/plain", slug);
                setDragged(i);
              }}
              onDragEnd={() => {
                setDragged(null);
                setOver(null);
              }}
              onDragOver={(e) => {
                if (dragged === null) return;
                e.preventDefault();
                setOver(i);
              }}
              onDrop={(e) => {
                e.preventDefault();
                if (dragged !== null) onChange(moved(value, dragged, i));
                setDragged(null);
                setOver(null);
              }}
            >
              <span className="grip" aria-hidden="true">
                <Icon name="grip" size={16} />
              </span>
              <span className="step-no num">{i + 1}</span>
              <span className="step-dot" style={{ background: colourOf(slug) }} />
              <span className="grow">
                <span className="row">
                  <span className="ellipsis step-name">{name}</span>
                  {p && <SourceBadge source={p.source} short />}
                </span>
                <span className="muted num step-price">
                  {price(p)}
                  {unusable.has(slug) ? " · needs a column this table lacks" : ""}
                </span>
              </span>
              <button
                type="button"
                className="btn ghost icon small"
                aria-label={`Ask ${name} earlier`}
                disabled={i === 0}
                onClick={() => onChange(moved(value, i, i - 1))}
              >
                <Icon name="up" size={15} />
              </button>
              <button
                type="button"
                className="btn ghost icon small"
                aria-label={`Ask ${name} later`}
                disabled={i === value.length - 1}
                onClick={() => onChange(moved(value, i, i + 1))}
              >
                <Icon name="down" size={15} />
              </button>
              <button
                type="button"
                className="btn ghost icon small"
                aria-label={`Do not ask ${name}`}
                onClick={() => onChange(value.filter((s) => s !== slug))}
              >
                <Icon name="x" size={15} />
              </button>
            </li>
          );
        })}
      </ol>
      {rest.length > 0 && (
        <select
          className="select small"
          aria-label="Add a provider"
          value=""
          onChange={(e) => e.target.value && onChange([...value, e.target.value])}
        >
          <option value="">Add a provider…</option>
          {rest.map((p) => (
            <option key={p.slug} value={p.slug}>
              {p.name} ({price(p)}){unusable.has(p.slug) ? " – needs another column" : ""}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
