import { afterEach, describe, expect, it, vi } from "vitest";

import { checkAudit, checkEndpoints, checkFindings, checkNeeds, checkProcesses, checkStatus, checkUserShown, checkUsers, give, madePassword, moment } from "../../src/net/admin";
import { checkUser } from "../../src/net/check";
import { ApiError } from "../../src/net/wire";
import { bytes, number, span } from "../../src/text/amount";
import { follow, Lines } from "../../src/net/follow";
import { csvParts, parseCsv } from "../../src/text/csv";
import { argsText } from "../../src/ui/admin/args";
import { daysLeft, toneOf } from "../../src/ui/admin/expiry";
import { checkLog, LINES_MAX, merge, sinceOf } from "../../src/ui/admin/log";
import { checkMetrics, grow, linePath, POINTS_MAX, sums, type Series } from "../../src/ui/admin/series";

const NONSENSE = [null, undefined, 7, "x", {}, [], [null, 7, "x", {}], { result: [] }];

afterEach(() => vi.unstubAllGlobals());

function answers(status: number, body: unknown) {
  const fetched = vi.fn<(path: string, init: RequestInit) => Promise<Response>>(async () => new Response(JSON.stringify(body), { status }));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

describe("commands", () => {
  it("go by POST with their arguments, and their result comes back", async () => {
    const fetched = answers(200, { result: [{ user: "a@b" }] });
    expect(checkUsers(await give("user list", { text: "a" }))[0]?.user).toBe("a@b");
    const [path, init] = fetched.mock.calls[0] ?? [];
    expect(path).toBe("/api/v1/admin");
    expect(init?.method).toBe("POST");
    expect(JSON.parse(String(init?.body))).toEqual({ command: "user list", args: { text: "a" } });
  });

  it("fail with the words of the tool", async () => {
    answers(422, { error: { code: "failed", text: "There is no user \"x\".", remedy: "" } });
    const error = await give("user show", { user: "x" }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiError);
    expect([(error as ApiError).code, (error as ApiError).message]).toEqual(["failed", "There is no user \"x\"."]);
  });
});

describe("what comes from the server", () => {
  it("may be nonsense", () => {
    for (const v of NONSENSE) {
      expect(checkUsers(v)).toEqual([]);
      expect(checkUserShown(v)).toBeNull();
      expect(checkStatus(v).processes).toBe(0);
      for (const check of [checkProcesses, checkNeeds, checkEndpoints, checkFindings, checkAudit]) expect(Array.isArray(check(v))).toBe(true);
      expect(madePassword(v)).toBe("");
    }
  });

  it("says who is an administrator, and nobody is one by a slip", () => {
    expect(checkUser({ uri: "a@b", admin: true })?.admin).toBe(true);
    for (const admin of [undefined, 1, "true", "yes", null]) expect(checkUser({ uri: "a@b", admin })?.admin).toBe(false);
  });

  it("has figures of any kind, and levels that are known", () => {
    const [needs] = checkNeeds([{ role: "web", process: 1, memory_bytes: -1, figures: { a: 1, b: "x", c: true, d: {}, e: null } }]);
    expect(needs).toEqual({ name: "web/1", memory: 0, cpuS: 0, figures: [["a", "1"], ["b", "x"], ["c", "true"]] });
    expect(checkFindings([{ level: "fatal" }, { level: "error" }]).map((f) => f.level)).toEqual(["note", "error"]);
  });

  it("has moments in seconds; 0 is never", () => {
    expect(moment(1_795_813_157)).toBe("2026-11-27T20:59:17.000Z");
    expect([moment(0), moment(null), moment("x"), moment(Infinity)]).toEqual(["", "", "", ""]);
  });
});

describe("amounts", () => {
  it("have the unit that fits", () => {
    expect(bytes(0, "en")).toBe("0 byte");
    expect(bytes(11_051_008, "en")).toBe("11.1 MB");
    expect(bytes(250_000_000, "en")).toBe("250 MB");
    expect(bytes(5e15, "en")).toBe("5,000 TB");
    expect(number(0.0044, "en")).toBe("0.004");
    expect(number(123_456.7, "de")).toBe("123.457");
  });

  it("are spans of the two largest units", () => {
    expect(span(0, "en")).toBe("0 sec");
    expect(span(59.9, "en")).toBe("59 sec");
    expect(span(75, "en")).toBe("1 min 15 sec");
    expect(span(3600, "en")).toBe("1 hr");
    expect(span(90_061, "en")).toBe("1 day 1 hr");
    expect(span(86_400 + 61, "en")).toBe("1 day");
  });
});

describe("certificates", () => {
  const at = new Date("2026-11-27T12:00:00Z");
  it("are good, end soon, or have ended", () => {
    const tone = (expires: string) => toneOf(daysLeft(expires, at));
    expect(daysLeft("2026-11-28T12:00:00Z", at)).toBe(1);
    expect(tone("2027-11-27T12:00:00Z")).toBe("good");
    expect(tone("2026-12-27T12:00:00Z")).toBe("good");
    expect(tone("2026-12-27T11:59:00Z")).toBe("warn");
    expect(tone("2026-11-27T12:00:01Z")).toBe("warn");
    expect(tone("2026-11-27T11:59:59Z")).toBe("bad");
  });
});

describe("arguments that were kept", () => {
  it("are shown without what JSON needs", () => {
    expect(argsText('{"user":"bob","max":7,"generate":true}')).toBe("user: bob, max: 7, generate: true");
    expect(argsText("{}")).toBe("");
    expect(argsText("{broken")).toBe("{broken");
    expect(argsText("null")).toBe("");
  });
});

describe("tables", () => {
  it("are read as the server reads them", () => {
    expect(parseCsv("")).toEqual([]);
    expect(parseCsv("\uFEFFa;b\r\n\r\n1,5;\"x \"\"y\"\"\nz\"\r\n")).toEqual([["a", "b"], ["1,5", 'x "y"\nz']]);
    expect(parseCsv("a\tb\n1\t2")).toEqual([["a", "b"], ["1", "2"]]);
    expect(parseCsv('a,b\n5" tube,2')).toEqual([["a", "b"], ['5" tube', "2"]]);
  });

  it("go in parts, each with the names, and no row is lost", () => {
    const rows = [["user", "name"], ...Array.from({ length: 50 }, (_, i) => [`u${i}`, `N, "${i}" ü`])];
    const parts = csvParts(rows, 200);
    expect(parts.length).toBeGreaterThan(4);
    for (const p of parts) expect(new TextEncoder().encode(p).length).toBeLessThanOrEqual(200);
    expect(parts.flatMap((p) => parseCsv(p).slice(1))).toEqual(rows.slice(1));
    expect(parts.every((p) => p.startsWith("user,name\n"))).toBe(true);
    expect(csvParts([["user"], ["x".repeat(500)], ["y"]], 100)).toHaveLength(2);
    expect(csvParts([["user"]], 100)).toEqual([]);
  });
});

describe("lines that come", () => {
  it("are cut wherever the pieces end", () => {
    const lines = new Lines();
    expect(lines.take('{"a"')).toEqual([]);
    expect(lines.take(':1}\n{"b":2}\n\n{')).toEqual(['{"a":1}', '{"b":2}']);
    expect(lines.take("}\n")).toEqual(["{}"]);
  });

  it("are told one by one, and the last says what went wrong", async () => {
    vi.stubGlobal("fetch", async () => new Response('{"event":1}\n{"event":{"x":2}}\n{"ok":false,"error":"Too long."}\n'));
    const seen: unknown[] = [];
    const error = await follow("trace", {}, (v) => seen.push(v), new AbortController().signal).catch((e: unknown) => e);
    expect(seen).toEqual([1, { x: 2 }]);
    expect((error as ApiError).message).toBe("Too long.");
  });

  it("end quietly when nobody wants them any more", async () => {
    const mine = new AbortController();
    vi.stubGlobal("fetch", async () => {
      mine.abort();
      throw new DOMException("aborted", "AbortError");
    });
    await follow("trace", {}, () => undefined, mine.signal);
  });
});

describe("the log", () => {
  const line = (time: string, number = 1, who = "web/1") => ({ number, time, level: "info", who, text: "event=x" });
  it("has each line once, in the order of time, and the last ones alone", () => {
    const first = checkLog([line("2026-01-01T00:00:02.000Z"), line("2026-01-01T00:00:04.000Z", 2)]);
    const more = checkLog([line("2026-01-01T00:00:04.000Z", 2), line("2026-01-01T00:00:03.000Z", 1, "frontend/1")]);
    const all = merge(first, more);
    expect(all.map((l) => l.time.slice(17, 19))).toEqual(["02", "03", "04"]);
    expect(merge(all, more)).toBe(all);
    const many = checkLog(Array.from({ length: 2 * LINES_MAX }, (_, i) => line("2026-01-01T00:00:00.000Z", i)));
    expect(merge([], many)).toHaveLength(LINES_MAX);
  });

  it("is asked again a little before its last line", () => {
    expect(sinceOf([])).toBe("");
    expect(sinceOf(checkLog([line("2026-01-01T00:00:10.000Z")]))).toBe("2026-01-01T00:00:05.000Z");
    expect(sinceOf(checkLog([line("nonsense")]))).toBe("");
  });
});

describe("metrics", () => {
  const sample = (value: number, kind = "counter", process = "web/1") => checkMetrics([{ process, name: "n", labels: "", value, kind }])[0]!;
  const valuesOf = (m: ReadonlyMap<string, Series>) => m.get("n{}")?.points.map((p) => p.value);

  it("are summed over the processes; what is no number is none", () => {
    expect(sums([sample(1), sample(2, "counter", "web/2")]).get("n{}")?.value).toBe(3);
    expect(checkMetrics([{ name: "x", value: "7" }, { name: "x", value: NaN }, { value: 1 }])).toEqual([]);
  });

  it("of counters are rates, and a counter that begins anew has no rate for that step", () => {
    let m = grow(new Map(), [sample(100)], 0);
    expect(valuesOf(m)).toEqual([]);
    m = grow(m, [sample(150)], 5000);
    expect(valuesOf(m)).toEqual([10]);
    m = grow(m, [sample(3)], 10_000);
    expect(valuesOf(m)).toEqual([10]);
    m = grow(m, [sample(8)], 15_000);
    expect(valuesOf(m)).toEqual([10, 1]);
  });

  it("of gauges are what they are, as many as are kept", () => {
    let m: Map<string, Series> = new Map();
    for (let i = 0; i < POINTS_MAX + 5; i++) m = grow(m, [sample(i, "gauge")], i * 1000);
    expect(valuesOf(m)).toHaveLength(POINTS_MAX);
    expect(valuesOf(m)?.at(-1)).toBe(POINTS_MAX + 4);
  });

  it("are drawn inside their box", () => {
    expect(linePath([], 100, 50)).toBe("");
    expect(linePath([{ at: 0, value: 0 }, { at: 10, value: 5 }, { at: 20, value: 10 }], 100, 50)).toBe("M0.0 50.0L50.0 25.0L100.0 0.0");
    expect(linePath([{ at: 7, value: 0 }], 100, 50)).toBe("M0.0 50.0");
    expect(linePath([{ at: 0, value: -5 }, { at: 1, value: -1 }], 100, 50)).toBe("M0.0 50.0L100.0 50.0");
  });
});
