// A place to drop a CSV file on, or to choose one.
import { useRef, useState } from "react";
import { Icon } from "../../ui/Icon";
import "./import.css";

export const ACCEPT = ".csv,.tsv,.txt,text/csv,text/tab-separated-values";

export function FileDrop({ onFile, children }: { onFile: (file: File) => void; children?: React.ReactNode }) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  return (
    <section
      aria-label="Upload a CSV"
      className={`drop${over ? " over" : ""}`}
      onDragOver={(e) => {
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        e.preventDefault();
        setOver(false);
        const file = e.dataTransfer.files[0];
        if (file) onFile(file);
      }}
    >
      <Icon name="upload" size={30} />
      <p>
        <b>Drop a CSV here</b>
        <br />
        <span className="muted">Comma, semicolon or tab; any encoding; up to millions of rows</span>
      </p>
      <div className="row wrap">
        <button type="button" className="btn" onClick={() => input.current?.click()}>
          Choose a file
        </button>
        {children}
      </div>
      <input
        ref={input}
        type="file"
        accept={ACCEPT}
        className="sr-only"
        tabIndex={-1}
        aria-label="CSV file"
        onChange={(e) => {
          const file = e.target.files?.[0];
          e.target.value = "";
          if (file) onFile(file);
        }}
      />
    </section>
  );
}
