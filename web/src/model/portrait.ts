// A picture of any size becomes one that the server takes: a square, small, and without what a camera
// writes beside the picture (place, time, owner), for it is painted anew.

/** As src/wire/accounts/acct.h has it. */
const BYTES_MAX = 30 * 1024;
/** Sides in pixels that are tried one after the other, each with better quality first. */
const SIDES = [256, 192, 128, 96];
const QUALITIES = [0.9, 0.8, 0.65, 0.5];

export interface Square {
  x: number;
  y: number;
  side: number;
}

/** The middle of a picture; of one that stands, a bit above it, where faces are. */
export function middle(width: number, height: number): Square {
  const side = Math.min(width, height);
  return { x: Math.round((width - side) / 2), y: Math.round((height - side) / 3), side };
}

function painted(picture: ImageBitmap, side: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const pen = canvas.getContext("2d");
  const from = middle(picture.width, picture.height);
  if (!pen) throw new Error("no canvas");
  // JPEG has no transparency.
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, side, side);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, from.x, from.y, from.side, from.side, 0, 0, side, side);
  return canvas;
}

function jpeg(canvas: HTMLCanvasElement, quality: number): Promise<Blob | null> {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
}

/** Null: the browser knows no picture in it. */
export async function portrait(file: Blob): Promise<Blob | null> {
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return null;
  for (const side of SIDES) {
    const canvas = painted(picture, side);
    for (const quality of QUALITIES) {
      const blob = await jpeg(canvas, quality);
      if (blob && blob.size <= BYTES_MAX) return blob;
    }
  }
  return null;
}
