// Below what can be done: what went wrong with it, and the question for the password.

import { ProofDialog } from "../security/proof";
import type { Act } from "./act";

export function ActEnd({ act }: { act: Act }) {
  return (
    <>
      <p class="form-error" role="alert" hidden={!act.error.value}>{act.error.value}</p>
      <ProofDialog proof={act.proof} />
    </>
  );
}
