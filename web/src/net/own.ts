// What users see and change of their own accounts: requests by HTTP, see docs/protocols/web-api.md.

import { count, isObject, list, text } from "./check";
import { ask } from "./http";

export interface LogIn {
  number: number;
  made_at: string;
  used_at: string;
  from: string;
  agent: string;
  this: boolean;
}

function checkLogIn(o: Record<string, unknown>): LogIn | null {
  const number = count(o.number, 0);
  if (!number) return null;
  return {
    number,
    made_at: text(o.made_at),
    used_at: text(o.used_at),
    from: text(o.from),
    agent: text(o.agent),
    this: o.this === true,
  };
}

/** All throw ApiError. */
export async function logIns(): Promise<LogIn[]> {
  const json = await ask("logins");
  return list(isObject(json) ? json.logins : null, checkLogIn);
}

export async function endLogIn(number: number): Promise<void> {
  await ask("logins/end", { number });
}

export async function endOtherLogIns(): Promise<void> {
  await ask("logins/end", { others: true });
}
