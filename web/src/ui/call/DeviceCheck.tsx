// Camera, microphone and loudspeaker are tried before a call, and chosen for the next. What was taken is
// let go when the window closes.

import "../../style/call-more.css";

import { useSignal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { t, type Key } from "../../i18n";
import "../../i18n/more";
import { en } from "../../i18n/en";
import { soundAt, type Kind } from "../../model/devices";
import { browserMedia, mediaError } from "../../model/media";
import { useSession } from "../context";
import { Dialog } from "../parts/Dialog";
import { Icon } from "../parts/Icon";

const LOOK_MS = 100;
/** As loud as this is somebody who speaks; the meter's end is a loud voice. */
const HEARD = 0.02;
const LOUD = 0.25;
const TONE_HZ = 660;
const TONE_S = 1.5;
const TONE_GAIN = 0.2;

/** A device for as long as the window shows it; another one when another is chosen. */
function useTrial(kind: "audio" | "video"): { stream: Signal<MediaStream | null>; error: Signal<string> } {
  const { devices } = useSession();
  const stream = useSignal<MediaStream | null>(null);
  const error = useSignal("");
  const id = devices.value[kind];
  useEffect(() => {
    let over = false;
    const stop = (s: MediaStream | null) => s?.getTracks().forEach((track) => track.stop());
    error.value = "";
    browserMedia(devices).open({ [kind]: true }).then(
      (s) => (over ? stop(s) : (stream.value = s)),
      (e: unknown) => !over && (error.value = mediaError(e)),
    );
    return () => {
      over = true;
      stop(stream.peek());
      stream.value = null;
    };
  }, [id]);
  return { stream, error };
}

function Choice({ kind, name, found }: { kind: Kind; name: Key; found: MediaDeviceInfo[] }) {
  const { devices } = useSession();
  const type = kind === "speaker" ? "audiooutput" : `${kind}input`;
  const mine = found.filter((d) => d.kind === type && d.deviceId);
  if (!mine.length) return null;
  const chosen = mine.some((d) => d.deviceId === devices.value[kind]) ? devices.value[kind] : "";
  return (
    <label class="field">
      <span class="check-name">{t(name)}</span>
      <select value={chosen} onChange={(e) => (devices.value = { ...devices.peek(), [kind]: e.currentTarget.value })}>
        <option value="">{t("check_default")}</option>
        {mine.map((d, i) => <option key={d.deviceId} value={d.deviceId}>{d.label || `${t(name)} ${i + 1}`}</option>)}
      </select>
    </label>
  );
}

function Trouble({ error }: { error: string }) {
  const key = `call_end_${error}`;
  return error ? <p class="form-error" role="alert">{t(key in en ? (key as Key) : "call_end_failed")}</p> : null;
}

function loudness(analyser: AnalyserNode, samples: Float32Array<ArrayBuffer>): number {
  analyser.getFloatTimeDomainData(samples);
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
}

function Microphone({ found }: { found: MediaDeviceInfo[] }) {
  const { stream, error } = useTrial("audio");
  const level = useSignal(0);
  const heard = useSignal(false);
  const now = stream.value;
  useEffect(() => {
    if (!now) return;
    heard.value = false;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    const samples = new Float32Array(analyser.fftSize);
    context.createMediaStreamSource(now).connect(analyser);
    const timer = setInterval(() => {
      const loud = loudness(analyser, samples);
      level.value = Math.min(1, loud / LOUD);
      if (loud > HEARD) heard.value = true;
    }, LOOK_MS);
    return () => {
      clearInterval(timer);
      void context.close();
    };
  }, [now]);
  return (
    <section class="check-part" aria-label={t("call_microphone")}>
      <Choice kind="audio" name="call_microphone" found={found} />
      <meter class="check-meter" min={0} max={1} value={level.value} aria-label={t("check_level")} />
      <p class="hint" role="status">{heard.value ? t("check_heard") : t("check_speak")}</p>
      <Trouble error={error.value} />
    </section>
  );
}

function Camera({ found }: { found: MediaDeviceInfo[] }) {
  const { stream, error } = useTrial("video");
  const ref = useRef<HTMLVideoElement>(null);
  const now = stream.value;
  useEffect(() => {
    if (ref.current) ref.current.srcObject = now;
  }, [now]);
  return (
    <section class="check-part" aria-label={t("call_camera")}>
      {!error.value && <video ref={ref} class="check-picture" autoplay playsInline muted aria-label={t("call_own")} />}
      <Choice kind="video" name="call_camera" found={found} />
      <Trouble error={error.value} />
    </section>
  );
}

/** Plays a tone at the loudspeaker that is chosen; what is returned ends it. */
function playTone(speaker: string, ended: () => void): () => void {
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: TONE_HZ });
  const out = new MediaStreamAudioDestinationNode(context);
  const element = new Audio();
  tone.connect(new GainNode(context, { gain: TONE_GAIN })).connect(out);
  element.srcObject = out.stream;
  soundAt(element, speaker);
  const end = () => {
    element.srcObject = null;
    if (context.state !== "closed") void context.close();
    ended();
  };
  tone.onended = end;
  tone.start();
  tone.stop(context.currentTime + TONE_S);
  void element.play().catch(end);
  return end;
}

function Speaker({ found }: { found: MediaDeviceInfo[] }) {
  const { devices } = useSession();
  const plays = useSignal(false);
  const end = useRef<(() => void) | null>(null);
  useEffect(() => () => end.current?.(), []);
  const play = () => {
    plays.value = true;
    end.current = playTone(devices.peek().speaker, () => ((end.current = null), (plays.value = false)));
  };
  return (
    <section class="check-part" aria-label={t("check_speaker")}>
      <Choice kind="speaker" name="check_speaker" found={found} />
      <button type="button" class="button" disabled={plays.value} onClick={play}>
        <Icon name="bell" size={18} />{t(plays.value ? "check_plays" : "check_play")}
      </button>
    </section>
  );
}

export function DeviceCheck({ onClose }: { onClose: () => void }) {
  const found = useSignal<MediaDeviceInfo[]>([]);
  useEffect(() => {
    const media = navigator.mediaDevices;
    if (!media) return;
    const look = () => void media.enumerateDevices().then((all) => (found.value = all), () => undefined);
    look();
    // Names of devices are told once one may be used, which is no change of devices.
    const timer = setInterval(look, 1_000);
    media.addEventListener("devicechange", look);
    return () => {
      clearInterval(timer);
      media.removeEventListener("devicechange", look);
    };
  }, []);
  return (
    <Dialog title={t("check_title")} onClose={onClose}>
      <Camera found={found.value} />
      <Microphone found={found.value} />
      <Speaker found={found.value} />
      <p class="hint">{t("check_kept")}</p>
    </Dialog>
  );
}
