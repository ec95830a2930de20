// Reactions: one emoji, as people call one.

export const USUAL = ["👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👀"];

/** The most bytes that the server takes. */
const BYTES = 32;
/** A flag, a key, or a picture with what belongs to it: colour of skin, tags, others that it is joined with. */
const ONE = /^(?:\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3|\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\ufe0f|[\u{e0020}-\u{e007f}]|\u200d\p{Extended_Pictographic})*)$/u;

export function isEmoji(text: string): boolean {
  return ONE.test(text) && new TextEncoder().encode(text).length <= BYTES;
}
