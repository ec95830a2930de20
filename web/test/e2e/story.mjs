// Tests that each have a page of their own, in one browser for the file.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, LIMIT, open } from "./browser.mjs";

/** story(name, options, run): whatever the page complained of fails it. */
export function stories() {
  let browser;
  before(async () => (browser = await launch()));
  after(() => browser.close());
  return function story(name, options, run) {
    test(name, LIMIT, async () => {
      const all = await open(browser, options);
      await run(all);
      assert.deepEqual(all.errors, []);
      await all.close();
    });
  };
}
