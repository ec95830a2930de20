// Which of the pages is shown.

import { t } from "../i18n";
import { Frame } from "./Frame";
import { PageContext, SessionContext, type Page } from "./context";
import { Empty } from "./parts/Empty";
import { lazy } from "./parts/Lazy";
import { Logo } from "./parts/Icon";
import { LiveRegion } from "./parts/live";
import { SignIn } from "./SignIn";

const SetUp = lazy(async () => (await import("./security/SetUp")).SetUp);

function Starting() {
  return (
    <main class="middle" aria-busy="true" aria-label={t("loading")}>
      <span class="starting">
        <Logo size={56} />
      </span>
    </main>
  );
}

function Unreachable({ page }: { page: Page }) {
  return (
    <main class="middle">
      <Empty head icon="cloud" title={t("unreachable_title")} text={t("unreachable_text")}>
        <button type="button" class="button primary" onClick={() => void page.app.begin()}>
          {t("retry")}
        </button>
      </Empty>
    </main>
  );
}

function Current({ page }: { page: Page }) {
  const session = page.app.session.value;
  switch (page.app.phase.value) {
    case "signed_in":
      return session && (
        <SessionContext.Provider value={session}>
          <Frame />
        </SessionContext.Provider>
      );
    case "set_up":
      return <SetUp />;
    case "signed_out":
      return <SignIn />;
    case "unreachable":
      return <Unreachable page={page} />;
    default:
      return <Starting />;
  }
}

export function Root({ page }: { page: Page }) {
  return (
    <PageContext.Provider value={page}>
      <Current page={page} />
      <LiveRegion />
    </PageContext.Provider>
  );
}
