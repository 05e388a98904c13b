// Lets a screen put its title and its path into the shell's top bar.
import { type ReactNode, useEffect, useState } from "react";
import { createPortal } from "react-dom";

export function Topbar({ children }: { children: ReactNode }) {
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  useEffect(() => setSlot(document.getElementById("topbar-slot")), []);
  return slot ? createPortal(children, slot) : null;
}
