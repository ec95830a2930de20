// Which microphone and which camera; changed in the running call.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { t, type Key } from "../../i18n";
import "../../i18n/more";
import type { Call } from "../../model/call";
import { overlay, useSession } from "../context";

type Kind = "audio" | "video";

function Choice({ call, kind, devices }: { call: Call; kind: Kind; devices: MediaDeviceInfo[] }) {
  const { calls, devices: kept } = useSession();
  const name: Key = kind === "audio" ? "call_microphone" : "call_camera";
  const used = call.local.value?.getTracks().find((track) => track.kind === kind)?.getSettings().deviceId;
  const mine = devices.filter((d) => d.kind === `${kind}input`);
  if (!mine.length || !used || (kind === "video" && !call.camera.value)) return null;
  const change = (e: { currentTarget: HTMLSelectElement }) => {
    const id = e.currentTarget.value;
    kept.value = { ...kept.peek(), [kind]: id };
    void calls.useDevice(call, kind, id);
  };
  return (
    <label class="call-device">
      <span>{t(name)}</span>
      <select value={used} onChange={change}>
        {mine.map((d, i) => <option key={d.deviceId} value={d.deviceId}>{d.label || `${t(name)} ${i + 1}`}</option>)}
      </select>
    </label>
  );
}

export function Devices({ call }: { call: Call }) {
  const devices = useSignal<MediaDeviceInfo[]>([]);
  useEffect(() => {
    const media = navigator.mediaDevices;
    const look = () => void media.enumerateDevices().then((found) => (devices.value = found));
    look();
    media.addEventListener("devicechange", look);
    return () => media.removeEventListener("devicechange", look);
  }, []);
  return (
    <div class="call-devices" id="call-devices" role="group" aria-label={t("call_devices")}>
      <Choice call={call} kind="audio" devices={devices.value} />
      <Choice call={call} kind="video" devices={devices.value} />
      <button type="button" class="button" onClick={() => (overlay.value = "devices")}>{t("check_open")}</button>
    </div>
  );
}
