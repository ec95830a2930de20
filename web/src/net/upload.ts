// A file on its way to the server, by XMLHttpRequest: fetch() does not tell how far it is.
// docs/protocols/web-api.md, "Files".

import { checkError, checkFile, isObject } from "./check";
import { ApiError, type Attached } from "./wire";

export interface Upload {
  /** Rejects with ApiError: the server's, or `offline`. */
  done: Promise<Attached>;
  stop(): void;
}

function answer(xhr: XMLHttpRequest): Attached {
  let json: unknown = null;
  try {
    json = JSON.parse(xhr.responseText);
  } catch {
    // Something between us and the server has answered.
  }
  const file = isObject(json) && xhr.status === 200 ? checkFile(json.file) : undefined;
  if (file?.id) return file;
  throw new ApiError(checkError(isObject(json) ? json.error : null));
}

/** `progress`: how many bytes have gone. */
export function upload(chat: string, name: string, file: File, progress: (bytes: number) => void): Upload {
  const xhr = new XMLHttpRequest();
  const done = new Promise<Attached>((resolve, reject) => {
    xhr.onload = () => {
      try {
        resolve(answer(xhr));
      } catch (error) {
        reject(error);
      }
    };
    xhr.onerror = xhr.onabort = () => reject(new ApiError({ code: "offline" }));
  });
  xhr.upload.onprogress = (e) => progress(e.loaded);
  xhr.open("POST", `/api/v1/files?${new URLSearchParams({ chat, name })}`);
  xhr.send(file);
  return { done, stop: () => xhr.abort() };
}
