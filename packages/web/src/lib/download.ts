// Hands a blob to the browser as a file.
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A file name that every system takes. */
export const fileName = (title: string, extension: string): string =>
  `${
    title
      .trim()
      .replace(/[^\p{L}\p{N}._ -]+/gu, "")
      .replace(/\s+/g, "-")
      .slice(0, 80) || "table"
  }.${extension}`;
