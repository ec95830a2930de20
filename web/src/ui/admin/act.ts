// A command that changes something: asks for the password if the server wants it, tells what came of it.

import { useSignal, type Signal } from "@preact/signals";

import { give, type Args } from "../../net/admin";
import { announce } from "../parts/live";
import { useProof, type Proof } from "../security/proof";
import { adminErrorText } from "./errors";

export interface Act {
  /** done: with what the command said; said: to screen readers then. */
  run: (command: string, args: Args, done: (said: unknown) => void | Promise<void>, said?: string) => void;
  error: Signal<string>;
  busy: Signal<boolean>;
  proof: Proof;
}

export function useAct(): Act {
  const error = useSignal("");
  const busy = useSignal(false);
  const proof = useProof();
  const run: Act["run"] = (command, args, done, said) => {
    if (busy.peek()) return;
    error.value = "";
    const once = async () => {
      busy.value = true;
      try {
        const answer = await give(command, args);
        if (said) announce(said);
        await done(answer);
      } finally {
        busy.value = false;
      }
    };
    proof.run(once, (e) => (error.value = adminErrorText(e)));
  };
  return { run, error, busy, proof };
}
