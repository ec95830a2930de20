// What a page of the administration asks, shows, and asks again.

import { useSignal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { give, type Args } from "../../net/admin";
import { codeOf } from "../../net/wire";
import { adminErrorText } from "./errors";

export interface Asked<T> {
  data: Signal<T | null>;
  error: Signal<string>;
  /** Is it being asked? */
  busy: Signal<boolean>;
  again: () => Promise<void>;
}

/** every: so many seconds after the answer it is asked again while the page can be seen; 0: not by itself. */
export function useAsk<T>(command: string, args: Args, check: (v: unknown) => T, every = 0): Asked<T> {
  const data = useSignal<T | null>(null);
  const error = useSignal("");
  const busy = useSignal(false);
  const round = useRef(0);
  const key = JSON.stringify([command, args]);
  const again = async () => {
    const mine = ++round.current;
    busy.value = true;
    try {
      const answer = check(await give(command, args));
      if (mine !== round.current) return;
      data.value = answer;
      error.value = "";
    } catch (e) {
      // Too much at once: what is shown is good for another while.
      if (mine === round.current && !(codeOf(e) === "too_many" && data.peek())) error.value = adminErrorText(e);
    } finally {
      if (mine === round.current) busy.value = false;
    }
  };
  useEffect(() => {
    data.value = null;
    let timer = 0;
    let over = false;
    const next = () => {
      if (over || !every) return;
      timer = window.setTimeout(() => void (document.visibilityState === "visible" ? again() : Promise.resolve()).then(next), every * 1000);
    };
    void again().then(next);
    return () => {
      over = true;
      clearTimeout(timer);
      round.current++;
    };
  }, [key, every]);
  return { data, error, busy, again };
}
