// The own picture: chosen, made small, sent; or taken away.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";

import { t } from "../i18n";
import "../i18n/more";
import { portrait } from "../model/portrait";
import { removePhoto, setPhoto } from "../net/own";
import { ApiError, codeOf } from "../net/wire";
import "../style/photo.css";
import { useSession } from "./context";
import { thrownText } from "./errors";
import { Avatar } from "./parts/Avatar";
import { announce } from "./parts/live";

/** The name of the picture that was sent. */
async function sent(file: Blob): Promise<string> {
  const small = await portrait(file);
  if (!small) throw new ApiError({ code: "bad_photo" });
  return setPhoto(small);
}

export function OwnPhoto() {
  const { user } = useSession();
  const input = useRef<HTMLInputElement>(null);
  const busy = useSignal(false);
  const trouble = useSignal("");
  const change = async (what: Promise<string>, said: string) => {
    busy.value = true;
    trouble.value = "";
    try {
      user.value = { ...user.peek(), photo: await what };
      announce(said);
    } catch (error) {
      trouble.value = codeOf(error) === "bad_photo" ? t("photo_bad") : thrownText(error);
    }
    busy.value = false;
  };
  return (
    <div class="own-photo">
      <Avatar uri={user.value.uri} size="xl" presence={false} />
      <div>
        <div class="buttons">
          <button type="button" class="button" disabled={busy.value} aria-busy={busy.value} onClick={() => input.current?.click()}>
            {t(user.value.photo ? "photo_other" : "photo_set")}
          </button>
          {user.value.photo && (
            <button type="button" class="button" disabled={busy.value} onClick={() => void change(removePhoto(), t("photo_gone"))}>
              {t("photo_remove")}
            </button>
          )}
        </div>
        <p class="hint">{t("photo_hint")}</p>
        <p class="form-error" role="alert" hidden={!trouble.value}>{trouble.value}</p>
      </div>
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        onChange={(e) => {
          const file = e.currentTarget.files?.[0];
          if (file) void change(sent(file), t("photo_there"));
          e.currentTarget.value = "";
        }}
      />
    </div>
  );
}
