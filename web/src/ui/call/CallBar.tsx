// The call that there is: with whom, how long, and what can be done with it.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import "../../style/transfer.css";

import { t, type Key } from "../../i18n";
import "../../i18n/more";
import type { Call } from "../../model/call";
import { soundAt } from "../../model/devices";
import { canShare } from "../../model/media";
import { useSession } from "../context";
import { Avatar } from "../parts/Avatar";
import { Icon, type IconName } from "../parts/Icon";
import { lazy } from "../parts/Lazy";
import { announce } from "../parts/live";
import { Duration } from "./Duration";
import { callName } from "./name";
import { endedText, stateText, untransferredText } from "./words";

const Devices = lazy(async () => (await import("./Devices")).Devices, true);
const Quality = lazy(async () => (await import("./Quality")).Quality, true);
const TransferTo = lazy(async () => (await import("./TransferTo")).TransferTo, true);

/** A stream is played by an element; the attribute cannot carry it. Pictures are mute: one element plays the sound. */
function Stream({ stream, video, own, screen }: { stream: MediaStream | null; video: boolean; own?: boolean; screen?: boolean }) {
  const ref = useRef<HTMLVideoElement & HTMLAudioElement>(null);
  const { speaker } = useSession().devices.value;
  useEffect(() => {
    if (ref.current && !video) soundAt(ref.current, speaker);
  }, [speaker, video]);
  useEffect(() => {
    if (ref.current) ref.current.srcObject = stream;
  }, [stream, video]);
  if (!video) return <audio ref={ref} autoplay />;
  const name = own ? "call_own" : screen ? "call_screen" : "call_picture";
  return <video ref={ref} class={own ? "call-own" : "call-other"} data-screen={screen} autoplay playsInline muted aria-label={t(name)} />;
}

function Switch({ icon, name, on, act }: { icon: IconName; name: Key; on: boolean; act: () => void }) {
  return (
    <button type="button" class="call-switch" aria-pressed={on} aria-label={t(name)} title={t(name)} onClick={act}>
      <Icon name={icon} />
    </button>
  );
}

function Switches({ call, devices, onDevices }: { call: Call; devices: boolean; onDevices: () => void }) {
  const { calls } = useSession();
  const choosing = useSignal(false);
  return (
    <>
      <Switch icon={call.muted.value ? "mute" : "mic"} name="call_mute" on={call.muted.value} act={() => call.setMuted(!call.muted.value)} />
      <Switch icon="pause" name="call_hold" on={call.held.value} act={() => void calls.toggleHold()} />
      <Switch icon="video" name="call_camera" on={call.camera.value} act={() => void calls.toggleCamera()} />
      {canShare() && <Switch icon="screen" name="call_share" on={call.sharing.value} act={() => void calls.toggleShare()} />}
      <button type="button" class="call-switch" disabled={call.transfer.value !== ""} aria-haspopup="dialog" aria-label={t("transfer")} title={t("transfer")} onClick={() => (choosing.value = true)}>
        <Icon name="transfer" />
      </button>
      {choosing.value && <TransferTo call={call} onClose={() => (choosing.value = false)} />}
      <button type="button" class="icon-button" aria-expanded={devices} aria-controls="call-devices" aria-label={t("call_devices")} title={t("call_devices")} onClick={onDevices}>
        <Icon name="settings" />
      </button>
    </>
  );
}

function Pictures({ call }: { call: Call }) {
  const theirs = call.remoteVideo.value;
  const own = call.camera.value && call.local.value !== null;
  return (
    <>
      <Stream stream={call.remote.value} video={false} />
      {(theirs || own) && (
        <div class="call-pictures">
          {theirs && <Stream stream={call.remote.value} video screen={call.remoteScreen.value} />}
          {own && <Stream stream={call.local.value} video own />}
        </div>
      )}
    </>
  );
}

function Sharing() {
  const { calls } = useSession();
  return (
    <div class="call-sharing">
      <Icon name="screen" size={18} />
      <strong role="status">{t("call_sharing")}</strong>
      <button type="button" class="button small" onClick={() => void calls.toggleShare()}>{t("call_share_stop")}</button>
    </div>
  );
}

export function CallBar() {
  const { calls, people } = useSession();
  const devices = useSignal(false);
  const call = calls.current.value;
  const name = call ? callName(people, call) : "";
  const text = call ? stateText(people, call) : "";
  const back = call ? untransferredText(people, call) : "";
  useEffect(() => void (text && announce(text)), [text]);
  if (!call) return null;
  const over = call.phase.value === "ended";
  const since = call.since.value;
  return (
    <section class="call" aria-label={t("call_region", { name })} data-phase={call.phase.value}>
      <div class="call-bar">
        <Avatar uri={call.uri} presence={false} />
        <div class="call-who">
          <strong><bdi>{name}</bdi></strong>
          <span>{text} {since && !over && <Duration since={since} />}</span>
        </div>
        {call.phase.value === "up" && <Quality call={call} />}
        <div class="call-actions">
          {call.phase.value === "up" && <Switches call={call} devices={devices.value} onDevices={() => (devices.value = !devices.value)} />}
          <button type="button" class={over ? "button" : "button danger"} onClick={() => (over ? (calls.current.value = null) : calls.hangUp())}>
            {!over && <Icon name="hangup" size={18} />}
            {t(over ? "close" : "call_hangup")}
          </button>
        </div>
      </div>
      {call.sharing.value && <Sharing />}
      {call.trouble.value && !over && <p class="call-trouble" role="alert">{endedText(call.trouble.value, name)}</p>}
      {back && !over && <p class="call-trouble" role="alert">{back}</p>}
      {devices.value && call.phase.value === "up" && <Devices call={call} />}
      {!over && <Pictures call={call} />}
    </section>
  );
}
