// A column's header: type, name, sort mark and our own menu. A click sorts; Shift adds to the sort.
import type { IHeaderParams } from "ag-grid-community";
import { useEffect } from "react";
import type { Column } from "../../api/types";
import { useGrid } from "../../stores/grid";
import { Icon } from "../../ui/Icon";
import { below, type MenuAt } from "../../ui/Menu";
import { cycleSort } from "./filter";

export interface HeaderParams extends IHeaderParams {
  gridColumn: Column;
  openMenu: (column: Column, at: MenuAt) => void;
}

export function ColumnHeader({ gridColumn: column, openMenu, eGridHeader }: HeaderParams) {
  const sort = useGrid((s) => s.sort);
  const setSort = useGrid((s) => s.setSort);
  const index = sort.findIndex((s) => s.column === column.id);
  const direction = sort[index]?.direction;

  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (e.target !== eGridHeader) return;
      if (e.key === "Enter" && !e.altKey) {
        e.preventDefault();
        setSort(cycleSort(useGrid.getState().sort, column.id, e.shiftKey));
      } else if (
        (e.key === "ArrowDown" && e.altKey) ||
        e.key === "ContextMenu" ||
        (e.key === "F10" && e.shiftKey)
      ) {
        e.preventDefault();
        e.stopPropagation();
        openMenu(column, below(eGridHeader));
      }
    };
    const onContext = (e: MouseEvent) => {
      e.preventDefault();
      openMenu(column, { x: e.clientX, y: e.clientY });
    };
    eGridHeader.addEventListener("keydown", onKey);
    eGridHeader.addEventListener("contextmenu", onContext);
    eGridHeader.setAttribute(
      "aria-sort",
      direction === "asc" ? "ascending" : direction === "desc" ? "descending" : "none",
    );
    return () => {
      eGridHeader.removeEventListener("keydown", onKey);
      eGridHeader.removeEventListener("contextmenu", onContext);
    };
  }, [eGridHeader, column, direction, openMenu, setSort]);

  return (
    <div className="col-head">
      <button
        type="button"
        className="col-name"
        tabIndex={-1}
        title={`${column.name}: click to sort`}
        onClick={(e) => setSort(cycleSort(sort, column.id, e.shiftKey))}
      >
        <Icon name={column.type} size={15} />
        <span className="ellipsis">{column.name}</span>
        {direction && (
          <span className="col-sort">
            <Icon name={direction === "asc" ? "up" : "down"} size={14} />
            {sort.length > 1 && <small>{index + 1}</small>}
          </span>
        )}
      </button>
      <button
        type="button"
        className="col-menu"
        tabIndex={-1}
        aria-label={`Menu of column ${column.name}`}
        aria-haspopup="menu"
        onClick={(e) => openMenu(column, below(e.currentTarget))}
      >
        <Icon name="down" size={15} />
      </button>
    </div>
  );
}
