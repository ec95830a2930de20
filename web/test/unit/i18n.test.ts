import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { afterEach, describe, expect, it } from "vitest";

import { choose, direction, setLanguage, t, type Plural } from "../../src/i18n";
import { de as adminDe, en as admin } from "../../src/i18n/admin";
import { de as firstDe } from "../../src/i18n/de";
import { en as first } from "../../src/i18n/en";
import { de as moreDe, en as more } from "../../src/i18n/more";
import { mark, pseudo } from "../../src/i18n/pseudo";

const en = { ...first, ...more, ...admin };
const de: Record<string, string | Plural> = { ...firstDe, ...moreDe, ...adminDe };
const words = (w: string | Plural) => (typeof w === "string" ? [w] : [w.one, w.other]);
const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

function sources(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) return name === "i18n" ? [] : sources(path);
    return /\.tsx?$/.test(name) ? [readFileSync(path, "utf8")] : [];
  });
}

afterEach(() => setLanguage("en", []));

describe("languages", () => {
  it("German has every word, with the same holes, and none is left in English", () => {
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
    const same = new Set(["app", "signin_code", "nav_chats", "chats_title", "chatlist", "card_chat", "state_offline", "set_version"]);
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      words(en[key]).forEach((w, i) => {
        const other = words(de[key] ?? "")[i] ?? "";
        expect(other, key).not.toBe("");
        expect(holes(other), key).toEqual(holes(w));
        if (/[a-z]{4}/i.test(w.replace(/\{\w+\}/g, "")) && !same.has(key)) expect(other, key).not.toBe(w);
      });
    }
  });

  it("every word is used", () => {
    const code = sources(join(__dirname, "../../src")).join("\n");
    const built = ["state_", "err_", "msg_", "activity_", "set_theme_", "call_phase_", "call_end_", "quality_", "past_", "trace_", "file_err_", "change_err_", "oidc_error_", "adm_f_", "transfer_end_"];
    for (const key of Object.keys(en)) {
      const used = code.includes(`"${key}"`) || built.some((b) => key.startsWith(b));
      expect(used, `${key} is not used`).toBe(true);
    }
  });

  it("who uses a word that is not of the first load brings it along, and no word is there twice", () => {
    expect(Object.keys(first).filter((k) => k in more || k in admin)).toEqual([]);
    expect(Object.keys(more).filter((k) => k in admin)).toEqual([]);
    for (const code of sources(join(__dirname, "../../src"))) {
      for (const [words, file] of [[more, "more"], [admin, "admin"]] as const) {
        const used = Object.keys(words).filter((k) => code.includes(`"${k}"`));
        expect(used.length === 0 || code.includes(`i18n/${file}";`), used.join(" ")).toBe(true);
      }
    }
  });

  it("words that come later are in the language that is shown, also after a change", async () => {
    await setLanguage("de", []);
    expect(t("gchat_leave")).toBe(moreDe.gchat_leave);
    await setLanguage("en", []);
    expect(t("gchat_leave")).toBe(more.gchat_leave);
    await setLanguage("rtl", []);
    expect(t("gchat_leave")).toBe(mark(more.gchat_leave));
  });

  it("counts in the language's own way", async () => {
    expect(t("nav_unread", { n: 1 })).toBe("1 unread message");
    await setLanguage("de", ["de-AT"]);
    expect(t("nav_unread", { n: 2 })).toBe("2 ungelesene Nachrichten");
    expect(t("search_none", { text: "{n}" })).toContain("„{n}“");
  });

  it("the test language goes from right to left, marks all letters and keeps the holes", async () => {
    await setLanguage("rtl", []);
    expect(direction.value).toBe("rtl");
    for (const w of Object.values(pseudo(en)).flatMap(words)) expect(w.startsWith("⟦")).toBe(true);
    expect(mark("Send {name}")).toContain("{name}");
  });

  it("chooses what the browser wants first and we have", () => {
    expect(choose("auto", ["fr-FR", "de-CH", "en"])).toBe("de");
    expect(choose("auto", ["fr"])).toBe("en");
    expect(choose("en", ["de"])).toBe("en");
  });
});
