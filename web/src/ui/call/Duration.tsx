// How long something goes on, told each second.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { duration } from "./name";

export function Duration({ since }: { since: Date }) {
  const shown = useSignal("");
  useEffect(() => {
    const tick = () => (shown.value = duration(Math.max(0, Math.floor((Date.now() - since.getTime()) / 1000))));
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [since]);
  return <span class="call-time" role="timer">{shown.value}</span>;
}
