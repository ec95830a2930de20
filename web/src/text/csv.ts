// A table as spreadsheets save it, for the look at it before it is sent, and to cut it into parts. The server reads it anew.

/** The rows of values, with what stands between them chosen as the server does: by the first line. */
export function parseCsv(source: string): string[][] {
  const text = source.replace(/^\uFEFF/, "");
  const first = text.split("\n", 1)[0] ?? "";
  const separator = first.includes(";") ? ";" : first.includes("\t") ? "\t" : ",";
  const rows: string[][] = [];
  let row: string[] = [];
  let value = "";
  let quoted = false;
  const endValue = () => {
    row.push(value.trim());
    value = "";
  };
  const endRow = () => {
    endValue();
    if (row.some((v) => v !== "")) rows.push(row);
    row = [];
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? "";
    if (quoted) {
      if (c !== '"') value += c;
      else if (text[i + 1] === '"') value += text[++i] ?? "";
      else quoted = false;
    } else if (c === '"' && value.trim() === "") {
      value = "";
      quoted = true;
    } else if (c === separator) endValue();
    else if (c === "\n") endRow();
    else value += c;
  }
  endRow();
  return rows;
}

const quote = (v: string) => (/[",\n\r]/.test(v) ? `"${v.replaceAll('"', '""')}"` : v);

/** The table again, each part with the line of names, of at most so many bytes; a row that is too long is a part of its own. */
export function csvParts(rows: string[][], most: number): string[] {
  const [head, ...rest] = rows.map((r) => r.map(quote).join(","));
  if (head === undefined || !rest.length) return [];
  const size = (s: string) => new TextEncoder().encode(s).length + 1;
  const parts: string[][] = [];
  let left = 0;
  for (const line of rest) {
    if (size(line) > left) {
      parts.push([head]);
      left = most - size(head);
    }
    parts.at(-1)?.push(line);
    left -= size(line);
  }
  return parts.map((lines) => lines.join("\n"));
}
