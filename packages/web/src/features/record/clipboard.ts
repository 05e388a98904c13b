// The clipboard's text form of a block of cells: tab-separated, quoted as spreadsheets do.

const quote = (text: string): string => (/["\t\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);

export const toTsv = (rows: readonly (readonly string[])[]): string =>
  rows.map((r) => r.map(quote).join("\t")).join("\n");

/** Reads tab-separated text; a single line break at the end is not a row. */
export function parseTsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let i = 0;
  for (;;) {
    let cell = "";
    if (text[i] === '"') {
      i++;
      for (;;) {
        const end = text.indexOf('"', i);
        if (end < 0) {
          cell += text.slice(i);
          i = text.length;
          break;
        }
        cell += text.slice(i, end);
        i = end + 1;
        if (text[i] !== '"') break;
        cell += '"';
        i++;
      }
    }
    while (i < text.length && text[i] !== "\t" && text[i] !== "\n" && text[i] !== "\r") cell += text[i++];
    row.push(cell);
    if (text[i] === "\t") {
      i++;
      continue;
    }
    rows.push(row);
    row = [];
    if (text[i] === "\r") i++;
    if (text[i] === "\n") i++;
    if (i >= text.length) return rows;
  }
}
