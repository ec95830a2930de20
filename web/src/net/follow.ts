// What a command says as long as somebody listens: lines of JSON by HTTP.

import type { Args } from "./admin";
import { checkError, isObject, text } from "./check";
import { ApiError } from "./wire";

/** Cuts what comes into lines. */
export class Lines {
  private rest = "";

  take(piece: string): string[] {
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop() ?? "";
    return lines.filter((l) => l !== "");
  }
}

async function refusal(answer: Response): Promise<ApiError> {
  const json: unknown = await answer.json().catch(() => null);
  return new ApiError(isObject(json) && isObject(json.error) ? checkError(json.error) : { code: "unavailable" });
}

/** Calls `event` with each until the server or the signal ends it; throws ApiError, and nothing for the signal. */
export async function follow(command: string, args: Args, event: (value: unknown) => void, signal: AbortSignal): Promise<void> {
  try {
    const answer = await fetch("/api/v1/admin", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ command, args, stream: true }),
      credentials: "same-origin",
      cache: "no-store",
      signal,
    });
    if (!answer.ok || !answer.body) throw await refusal(answer);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const lines = new Lines();
    for (let got = await reader.read(); !got.done; got = await reader.read()) lines.take(got.value).forEach((l) => one(l, event));
  } catch (e) {
    if (signal.aborted) return;
    throw e instanceof ApiError ? e : new ApiError({ code: "offline" });
  }
}

function one(line: string, event: (value: unknown) => void): void {
  const v = JSON.parse(line) as unknown;
  if (!isObject(v)) return;
  if (v.ok === false) throw new ApiError({ code: "failed", text: text(v.error) });
  if ("event" in v) event(v.event);
}
