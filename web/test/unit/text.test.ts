import { describe, expect, it } from "vitest";

import { extension, isPicture, kindOf, pastedName, shortName, sizeText } from "../../src/text/files";
import { linkAt } from "../../src/text/links";
import { inline, parse, plainText, type Inline } from "../../src/text/markdown";
import { beginOf, mentions, mentionsIn } from "../../src/text/mentions";
import { preview } from "../../src/text/preview";
import { quoteOf, withoutQuotes } from "../../src/text/quote";
import { snippet } from "../../src/text/snippet";
import { brief, dayKey, dayName, daysAgo, since } from "../../src/text/time";

/** The tree as short text: b(old), i(talic), s(truck), c(ode), a(ddress). */
function show(list: Inline[]): string {
  const names = { strong: "b", em: "i", del: "s" } as const;
  return list
    .map((n) => {
      if (n.kind === "text") return n.text;
      if (n.kind === "code") return `c(${n.text})`;
      if (n.kind === "link") return `a(${n.text}|${n.href})`;
      return `${names[n.kind]}(${show(n.children)})`;
    })
    .join("");
}
import { agentName } from "../../src/text/agent";

describe("inline Markdown", () => {
  it.each([
    ["plain", "plain"],
    ["**bold** and *italic* and ~~gone~~", "b(bold) and i(italic) and s(gone)"],
    ["**a *b* c**", "b(a i(b) c)"],
    ["*open", "*open"],
    ["**a *b**", "b(a *b)"],
    ["2 * 3 * 4", "2 * 3 * 4"],
    ["snake_case_name", "snake_case_name"],
    ["_yes_ no_", "i(yes) no_"],
    ["`**not bold**`", "c(**not bold**)"],
    ["a ` b", "a ` b"],
    ["****", "****"],
    ["~one~", "~one~"],
    ["<b>x</b> &amp;", "<b>x</b> &amp;"],
  ])("%s", (text, tree) => expect(show(inline(text))).toBe(tree));

  it("comes to an end and is bounded whatever a peer writes", () => {
    for (const evil of ["*", "**a", "_", "`", "~~x", "(", "http://", "www.a)", "*_"].map((s) => s.repeat(20_000 / s.length))) {
      const depth = (list: Inline[]): number =>
        1 + Math.max(0, ...list.map((n) => ("children" in n ? depth(n.children) : 0)));
      expect(depth(inline(evil))).toBeLessThanOrEqual(202);
    }
  });
});

describe("the words alone", () => {
  it.each([
    ["**bold**, *italic*, ~~gone~~ and `code`", "bold, italic, gone and code"],
    ["2 * 3 and snake_case_name", "2 * 3 and snake_case_name"],
    ["**open", "**open"],
    ["See:\n- one\n- **two**\n\n3. three\n4. four", "See:\n• one\n• two\n\n3. three\n4. four"],
    ["> said\n> **so**\n\nyes", "said\nso\nyes"],
    ["Run\n```sh\nmake **all**\n```", "Run\nmake **all**"],
    ["https://x.test/a_b_c", "https://x.test/a_b_c"],
  ])("%s", (text, words) => expect(plainText(text)).toBe(words));

  it("begin with what one says oneself, and have a bound", () => {
    expect(preview("> Bob: **when**?\n\n*Now*, I say", 100)).toBe("Now, I say");
    expect(preview("> only **this**", 100)).toBe("only this");
    expect(preview("Log:\n```c\n" + "x = 1;\n".repeat(500) + "```", 20)).toBe("Log:\n\nx = 1;\nx = 1;");
    expect(preview("**" + "a".repeat(100_000) + "**", 50).length).toBe(50);
  });
});

describe("blocks", () => {
  it("finds code, quotes and lists", () => {
    const blocks = parse("Look:\n```c\nint *a;\n```\n> said\n> so\n- one\n- two\n3. three");
    expect(blocks.map((b) => b.kind)).toEqual(["text", "code", "quote", "list", "list"]);
    expect(blocks[1]).toMatchObject({ text: "int *a;", language: "c" });
    expect(blocks[4]).toMatchObject({ ordered: true, start: 3 });
  });

  it("leaves a fence without end as text, and keeps empty lines", () => {
    expect(parse("```\nint a;")).toMatchObject([{ kind: "text" }]);
    expect(parse("a\n\nb")).toMatchObject([{ kind: "text", lines: [[{ text: "a" }], [], [{ text: "b" }]] }]);
  });
});

describe("links", () => {
  const link = (text: string) => linkAt(text, 0);
  it.each([
    ["https://example.test/a?b=c.", "https://example.test/a?b=c"],
    ["https://en.example.test/wiki/A_(b))", "https://en.example.test/wiki/A_(b)"],
    ["www.example.test, and", "www.example.test"],
    ["mailto:bob@example.test!", "mailto:bob@example.test"],
  ])("%s", (text, found) => expect(link(text)?.text).toBe(found));

  it.each([
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "https://bank.example@evil.example/",
    "https://",
    "mailto:x",
    "http:/x",
  ])("%s is none", (text) => expect(link(text)).toBeNull());

  it("ends at marks that turn the direction, and does not begin inside a word", () => {
    expect(link("https://example.test/\u202etxt")?.text).toBe("https://example.test/");
    expect(linkAt("xhttps://example.test", 1)).toBeNull();
  });
});

describe("times", () => {
  const now = new Date(2026, 10, 27, 12, 0);
  const at = (d: number, h = 9) => new Date(2026, 10, d, h, 5).toISOString();

  it("names days by the calendar", () => {
    expect(dayName(at(27, 0), now, "en")).toBe("Today");
    expect(dayName(at(26, 23), now, "en")).toBe("Yesterday");
    expect(dayName(at(26), now, "de")).toBe("Gestern");
    expect(dayName(at(23), now, "en")).toBe("Monday");
    expect(dayName(at(2), now, "en-GB")).toContain("2 November");
    expect(daysAgo(at(26, 23), now)).toBe(1);
    expect(dayKey(new Date(2026, 0, 2, 23, 59))).toBe("2026-01-02");
  });

  it("is brief in lists", () => {
    expect(brief(at(27, 11), now, "de")).toBe("11:05");
    expect(brief(at(25), now, "en")).toBe("Wed");
    expect(brief(at(2), now, "de")).toBe("02.11.");
    expect(since(new Date(now.getTime() - 150_000).toISOString(), now, "en")).toBe("2 min. ago");
  });
});

describe("browsers", () => {
  it("are called by what people call them", () => {
    const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
    expect(agentName(chrome)).toBe("Chrome, Windows");
    expect(agentName(`${chrome} Edg/140.0`)).toBe("Edge, Windows");
    expect(agentName("Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0")).toBe("Firefox, Android");
    expect(agentName("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15")).toBe("Safari, macOS");
  });

  it("say their own words where they are not known, and not too many", () => {
    expect(agentName("curl/8.0")).toBe("curl/8.0");
    expect(agentName("")).toBe("");
    expect(agentName("x".repeat(200))).toHaveLength(60);
  });
});

describe("the part of a text around what was searched for", () => {
  const show = (text: string, query: string) => snippet(text, query).map((p) => (p.hit ? `[${p.text}]` : p.text)).join("");

  it("marks the words, whatever their case and accents", () => {
    expect(show("Lunch at the Müller café", "muller CAFE")).toBe("Lunch at the [Müller] [café]");
    expect(show("aaa", "aa a")).toBe("[aa][a]");
    expect(show("日本語で", "本語")).toBe("日[本語]で");
    expect(show("plain", "?!")).toBe("plain");
  });

  it("is one line around the first of them", () => {
    const long = `${"x ".repeat(200)}needle\n\nand ${"y ".repeat(200)}`;
    const shown = show(long, "needle");
    expect(shown).toMatch(/^….{0,40}\[needle\] and y/);
    expect(shown.endsWith("…")).toBe(true);
    expect(shown.length).toBeLessThan(160);
  });

  it("begins with a whole word, where there is one before what was found", () => {
    expect(show("Could you take over ticket 4711? The customer", "the")).toBe("…you take over ticket 4711? [The] customer");
    expect(show("Tell me when it is open and I run the", "the")).toBe("…me when it is open and I run [the]");
    expect(show(`${"x".repeat(50)}the`, "the")).toBe(`…${"x".repeat(32)}[the]`);
    expect(show(`${"x".repeat(50)} the`, "the")).toBe("…[the]");
  });

  it("gives back the text, in order and whole, where it is short", () => {
    for (const query of ["a", "b c", "abc abc", "ß", "\u{1f600}"]) {
      expect(snippet("Abc ß \u{1f600} cba", query).map((p) => p.text).join("")).toBe("Abc ß \u{1f600} cba");
    }
  });
});

describe("an answer to one message", () => {
  it("has what it answers as a quote in front, which is drawn as one", () => {
    expect(quoteOf("Bob", "one\ntwo")).toBe("> Bob: one\n> two\n\n");
    expect(parse(`${quoteOf("Bob", "one")}yes`)).toEqual([
      { kind: "quote", lines: [[{ kind: "text", text: "Bob: one" }]] },
      { kind: "text", lines: [[{ kind: "text", text: "yes" }]] },
    ]);
  });

  it("leaves out quotes within the quote, and what is too much", () => {
    expect(quoteOf("Bob", `> Al: old\n\nnew`)).toBe("> Bob: new\n\n");
    expect(quoteOf("Bob", "1\n2\n3\n4\n5")).toBe("> Bob: 1\n> 2\n> 3\n> 4\n> …\n\n");
    expect(quoteOf("Bob", "x".repeat(500)).length).toBeLessThan(180);
  });

  it("is shown in lists by what its author said", () => {
    expect(withoutQuotes("> Bob: one\n\nyes")).toBe("yes");
    expect(withoutQuotes("> only this")).toBe("only this");
    expect(withoutQuotes("2 > 1")).toBe("2 > 1");
  });
});

describe("mentions", () => {
  const names = ["Bob", "Bob Marchetti", "Zoë"];
  const show = (text: string) => mentionsIn(text, names).map((p) => (p.name ? `[${p.text}]` : p.text)).join("");

  it("are names behind an @, the longest that fits, whatever the case", () => {
    expect(show("@Bob Marchetti, and @zoë!")).toBe("[@Bob Marchetti], and [@zoë]!");
    expect(show("ask @bob.")).toBe("ask [@bob].");
    expect(show("(@Bob)")).toBe("([@Bob])");
  });

  it("are no parts of words and addresses", () => {
    for (const text of ["@Bobby", "x@Bob", "bob@Bob", "@", "@@", "no @ name"]) expect(show(text)).toBe(text);
    expect(mentions("@Zoë", "")).toBe(false);
    expect(mentions("hello @Zoë", "Zoë")).toBe(true);
  });

  it("begin where one is written", () => {
    expect(beginOf("hi @bo", 6)).toEqual({ from: 3, letters: "bo" });
    expect(beginOf("@", 1)).toEqual({ from: 0, letters: "" });
    expect(beginOf("hi @bob mar", 11)).toEqual({ from: 3, letters: "bob mar" });
    for (const [text, at] of [["a@bo", 4], ["@bob ", 5], ["@ bob", 5], ["@bob, x", 7], ["@bo", 0]] as const) expect(beginOf(text, at)).toBeNull();
  });
});

describe("files", () => {
  it("have sizes in steps of 1024", () => {
    const all = [0, 1, 1023, 1024, 1536, 10_189, 10_240, 48_211, 1_048_575, 1_048_576, 104_857_600, 5 * 1024 ** 4];
    const told = (n: number, locale = "en") => sizeText(n, locale).replace("\u00a0", " ");
    expect(all.map((n) => told(n))).toEqual([
      "0 B", "1 B", "1,023 B", "1 kB", "1.5 kB", "10 kB", "10 kB", "47 kB", "1 MB", "1 MB", "100 MB", "5,120 GB",
    ]);
    expect(told(1_600_000, "de")).toBe("1,5 MB");
  });

  it("with long names keep their begin, their end and what they are", () => {
    expect(shortName("lunch.png", 20)).toBe("lunch.png");
    expect(shortName("minutes of the meeting of 27 November.pdf", 30)).toBe("minutes of the me…November.pdf");
    expect([...shortName("😀".repeat(300), 34)]).toHaveLength(34);
  });

  it("are known by their extensions", () => {
    const names = ["a.PNG", "b.tar.gz", "c.docx", "d.ods", "e.pptx", "f.opus", "g.mkv", "h.rs", "i", "j.", ".png", "k.exe", "l.verylong"];
    expect(names.map(kindOf)).toEqual(["picture", "archive", "text", "table", "slides", "sound", "film", "code", "other", "other", "other", "other", "other"]);
    expect(["x.tar.gz", ".bashrc", "a.b c"].map(extension)).toEqual(["gz", "", ""]);
  });

  it("are pictures by what the server found in them, and drawings are none", () => {
    expect(["image/png", "image/webp", "image/svg+xml", "text/html", "image/png "].map(isPicture)).toEqual([true, true, false, false, false]);
  });

  it("from the clipboard get names that tell them apart", () => {
    const at = new Date(2026, 10, 27, 9, 13);
    expect(pastedName("image.png", at)).toBe("picture-2026-11-27-0913.png");
    expect(pastedName("plan.png", at)).toBe("plan.png");
  });
});
