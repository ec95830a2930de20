// The little Markdown that people write in chats, as a tree: code, bold, italic, struck, quotes, lists,
// links. The tree is drawn as DOM nodes, never as HTML, so whatever a peer writes stays text. One pass,
// linear in the length; nothing here throws, and what is not Markdown is text as it stands.

import { linkAt, type Link } from "./links";

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "link"; text: string; href: string }
  | { kind: "strong" | "em" | "del"; children: Inline[] };

export type Block =
  | { kind: "code"; text: string; language: string }
  | { kind: "quote"; lines: Inline[][] }
  | { kind: "list"; ordered: boolean; start: number; items: Inline[][] }
  | { kind: "text"; lines: Inline[][] };

/** More marks than that in one line are text: it bounds the tree's depth and size. */
const MARKS_MAX = 200;

const FENCE = /^```\s*([\w+#.-]{0,20})\s*$/;
const QUOTE = /^>\s?(.*)$/;
const BULLET = /^\s{0,3}[-*•]\s+(.*)$/;
const NUMBER = /^\s{0,3}(\d{1,6})[.)]\s+(.*)$/;

export function parse(text: string): Block[] {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; ) {
    const fence = FENCE.exec(lines[i] ?? "");
    const end = fence ? lines.indexOf("```", i + 1) : -1;
    if (fence && end > 0) {
      blocks.push({ kind: "code", text: lines.slice(i + 1, end).join("\n"), language: fence[1] ?? "" });
      i = end + 1;
    } else {
      addLine(blocks, lines[i] ?? "");
      i++;
    }
  }
  return blocks;
}

/** The words alone, for places that draw no Markdown; lines stay lines. */
export function plainText(text: string): string {
  return parse(text).flatMap(wordsOf).join("\n").trim();
}

function wordsOf(block: Block): string[] {
  switch (block.kind) {
    case "code":
      return [block.text];
    case "list":
      return block.items.map((item, i) => `${block.ordered ? `${block.start + i}.` : "•"} ${said(item)}`);
    default:
      return block.lines.map(said);
  }
}

function said(list: readonly Inline[]): string {
  return list.map((n) => ("children" in n ? said(n.children) : n.text)).join("");
}

function addLine(blocks: Block[], line: string): void {
  const last = blocks[blocks.length - 1];
  const quote = QUOTE.exec(line);
  const bullet = BULLET.exec(line);
  const number = NUMBER.exec(line);
  if (quote) {
    const content = inline(quote[1] ?? "");
    if (last?.kind === "quote") last.lines.push(content);
    else blocks.push({ kind: "quote", lines: [content] });
  } else if (bullet || number) {
    const ordered = number !== null;
    const content = inline((bullet ? bullet[1] : number?.[2]) ?? "");
    if (last?.kind === "list" && last.ordered === ordered) last.items.push(content);
    else blocks.push({ kind: "list", ordered, start: Number(number?.[1] ?? 1), items: [content] });
  } else if (last?.kind === "quote" && !line.trim()) {
    // The blank line that ends a quote is no line of what follows.
    blocks.push({ kind: "text", lines: [] });
  } else if (last?.kind === "text") {
    last.lines.push(inline(line));
  } else {
    blocks.push({ kind: "text", lines: [inline(line)] });
  }
}

type Mark = "**" | "__" | "*" | "_" | "~~";
const KINDS: Record<Mark, "strong" | "em" | "del"> = { "**": "strong", __: "strong", "*": "em", _: "em", "~~": "del" };

interface Frame {
  mark: Mark | null;
  children: Inline[];
}

/** One line. Open marks wait on a stack; what is not closed at the end becomes text again. */
export function inline(line: string): Inline[] {
  const stack: Frame[] = [{ mark: null, children: [] }];
  let marks = 0;
  let plain = 0;
  let ticks = true;
  const top = () => stack[stack.length - 1] as Frame;
  const flush = (to: number) => {
    if (to > plain) pushText(top().children, line.slice(plain, to));
  };
  for (let i = 0; i < line.length; ) {
    const code: Inline | null = ticks && line[i] === "`" ? codeAt(line, i) : null;
    // Without a second tick after this one there is none after any later one.
    if (line[i] === "`" && !code) ticks = false;
    const link = code ? null : linkAt(line, i);
    const mark = code || link ? null : markAt(line, i);
    if (code && code.kind === "code") {
      flush(i);
      top().children.push(code);
      i = plain = i + code.text.length + 2;
    } else if (link) {
      flush(i);
      top().children.push(asInline(link));
      i = plain = i + link.text.length;
    } else if (mark && marks < MARKS_MAX && takeMark(stack, line, i, mark, () => flush(i))) {
      marks++;
      i = plain = i + mark.length;
    } else {
      i += mark ? mark.length : 1;
    }
  }
  flush(line.length);
  while (stack.length > 1) unwind(stack);
  return top().children;
}

function asInline(link: Link): Inline {
  return { kind: "link", text: link.text, href: link.href };
}

function pushText(to: Inline[], text: string): void {
  const last = to[to.length - 1];
  if (last?.kind === "text") last.text += text;
  else to.push({ kind: "text", text });
}

function codeAt(line: string, at: number): Inline | null {
  const end = line.indexOf("`", at + 1);
  return end > at + 1 ? { kind: "code", text: line.slice(at + 1, end) } : null;
}

function markAt(line: string, at: number): Mark | null {
  const c = line[at];
  if (c !== "*" && c !== "_" && c !== "~") return null;
  if (line[at + 1] === c) return (c + c) as Mark;
  return c === "~" ? null : c;
}

const WORD = /[\p{L}\p{N}]/u;

/** Opens or closes `mark` if it stands where one can; true if it was taken. */
function takeMark(stack: Frame[], line: string, at: number, mark: Mark, flush: () => void): boolean {
  const before = line[at - 1] ?? " ";
  const after = line[at + mark.length] ?? " ";
  const open = stack.findIndex((f) => f.mark === mark);
  // Inside of words an underscore is a letter: file_name_here.
  const inWord = mark[0] === "_" && WORD.test(before) && WORD.test(after);
  if (open > 0 && !/\s/.test(before) && !inWord) {
    flush();
    while (stack.length - 1 > open) unwind(stack);
    const frame = stack.pop() as Frame;
    const into = (stack[stack.length - 1] as Frame).children;
    if (frame.children.length) into.push({ kind: KINDS[mark], children: frame.children });
    else pushText(into, mark + mark);
    return true;
  }
  if (open > 0 || /\s/.test(after) || WORD.test(before)) return false;
  flush();
  stack.push({ mark, children: [] });
  return true;
}

/** The innermost open mark was none: it and what follows are text of the one outside. */
function unwind(stack: Frame[]): void {
  const frame = stack.pop() as Frame;
  const into = (stack[stack.length - 1] as Frame).children;
  pushText(into, frame.mark ?? "");
  for (const child of frame.children) {
    if (child.kind === "text") pushText(into, child.text);
    else into.push(child);
  }
}
