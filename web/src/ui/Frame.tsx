// The signed-in page: rail, list, main part, and what opens over them.

import { useEffect } from "preact/hooks";

import { t } from "../i18n";
import { ChatList } from "./chat/ChatList";
import { ChatView } from "./chat/ChatView";
import { overlay, useSession } from "./context";
import { Incoming } from "./call/Incoming";
import { Banner } from "./Banner";
import { SECURITY } from "../model/route";
import { hotkeys } from "./hotkeys";
import { Empty } from "./parts/Empty";
import { lazy } from "./parts/Lazy";
import { Rail } from "./Rail";
import { Toasts } from "./Toasts";

const Switcher = lazy(async () => (await import("./Switcher")).Switcher, true);
const SelfMenu = lazy(async () => (await import("./SelfMenu")).SelfMenu, true);
const PeopleList = lazy(async () => (await import("./people/PeopleList")).PeopleList);
const CallBar = lazy(async () => (await import("./call/CallBar")).CallBar, true);
const ContactCard = lazy(async () => (await import("./people/ContactCard")).ContactCard);
const Groups = lazy(async () => (await import("./people/Groups")).Groups, true);
const NewGroup = lazy(async () => (await import("./group/NewGroup")).NewGroup);
const HistoryList = lazy(async () => (await import("./call/History")).HistoryList);
const DeviceCheck = lazy(async () => (await import("./call/DeviceCheck")).DeviceCheck, true);
const Attendant = lazy(async () => (await import("./attendant/Attendant")).Attendant);
const Download = lazy(async () => (await import("./files/Download")).Download);
const Keys = lazy(async () => (await import("./Keys")).Keys, true);
const Settings = lazy(async () => (await import("./Settings")).Settings);
const Admin = lazy(async () => (await import("./admin/Admin")).Admin);
const Security = lazy(async () => (await import("./security/Security")).Security);

function MainPart() {
  const { view, uri } = useSession().route.value;
  if (view === "settings") return uri === SECURITY ? <Security /> : <Settings />;
  if (view === "admin") return <Admin page={uri} />;
  if (view === "attendant") return <Attendant />;
  if (view === "people") {
    if (uri) return <ContactCard key={uri} uri={uri} page />;
    return <Empty icon="people" title={t("people_pick_title")} text={t("people_pick_text")} />;
  }
  if (view === "calls") {
    if (uri) return <ContactCard key={uri} uri={uri} page from="calls" />;
    return <Empty icon="phone" title={t("calls_pick_title")} text={t("calls_pick_text")} />;
  }
  if (view === "files" && uri) return <Download path={uri} />;
  if (uri) return <ChatView key={uri} uri={uri} />;
  return <Empty icon="chats" title={t("chat_pick_title")} text={t("chat_pick_text")} />;
}

function Over() {
  const close = () => (overlay.value = null);
  switch (overlay.value) {
    case "switcher":
      return <Switcher onClose={close} />;
    case "keys":
      return <Keys onClose={close} />;
    case "self":
      return <SelfMenu onClose={close} />;
    case "groups":
      return <Groups onClose={close} />;
    case "group":
      return <NewGroup onClose={close} />;
    case "devices":
      return <DeviceCheck onClose={close} />;
    default:
      return null;
  }
}

function Replaced() {
  const session = useSession();
  return (
    <main class="middle">
      <Empty head icon="copy" title={t("replaced_title")} text={t("replaced_text")}>
        <button type="button" class="button primary" onClick={() => session.reconnect()}>
          {t("replaced_here")}
        </button>
      </Empty>
    </main>
  );
}

export function Frame() {
  const session = useSession();
  useEffect(() => hotkeys(session), [session]);
  // What opens at a key or a click that everybody makes is there by then.
  useEffect(() => {
    if (session.begun.value) for (const part of [Switcher, SelfMenu, PeopleList]) part.early();
  }, [session.begun.value]);
  useEffect(() => () => void (overlay.value = null), []);
  if (session.link.value === "replaced") return <Replaced />;
  const { view, uri } = session.route.value;
  const detail = view === "settings" || uri !== null;
  return (
    <div class="frame" data-view={view} data-detail={detail} data-offline={session.begun.value && !session.online.value}>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>
        {t("skip")}
      </a>
      <Banner />
      <CallBar />
      <Rail />
      <main class="content">
        {view !== "settings" && (
          <section class="list" aria-label={t("list_region")} data-region>
            {view === "people" ? <PeopleList /> : view === "calls" ? <HistoryList /> : view === "attendant" ? <Attendant list /> : view === "admin" ? <Admin page={uri} list /> : <ChatList />}
          </section>
        )}
        <div id="main" class="main" tabIndex={-1} data-region>
          <MainPart />
        </div>
      </main>
      <Over />
      {view !== "attendant" && <Incoming />}
      <Toasts />
    </div>
  );
}
