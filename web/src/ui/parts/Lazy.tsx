// Parts that are not of the first load: their code comes when they are shown.

import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";

import { t } from "../../i18n";
import { Skeleton } from "./Skeleton";

/** early(): its code comes now, so that it is there at once when it is shown. */
export type LazyPart<P> = ComponentType<P> & { early(): void };

/** The component that `load` brings, as if it had been there. `small`: until then there is nothing in its place. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>, small = false): LazyPart<P> {
  let loaded: ComponentType<P> | null = null;
  const get = async () => (loaded = await load());
  function Lazy(props: P) {
    const part = useSignal<{ of: ComponentType<P> } | null>(loaded && { of: loaded });
    const failed = useSignal(false);
    const ask = () => {
      failed.value = false;
      get().then(
        (c) => (part.value = { of: c }),
        () => (failed.value = true),
      );
    };
    useEffect(() => void (part.peek() ?? ask()), []);
    if (part.value) {
      const Part = part.value.of;
      return <Part {...props} />;
    }
    if (!failed.value) return small ? null : <Skeleton />;
    return (
      <p class="list-status warn" role="alert">
        {t("part_failed")} <button type="button" class="link" onClick={ask}>{t("retry")}</button>
      </p>
    );
  }
  // What does not come now comes when it is shown, or says then that it does not.
  return Object.assign(Lazy, { early: () => void get().catch(() => undefined) });
}
