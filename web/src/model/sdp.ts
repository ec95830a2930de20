// The little of a description of media (RFC 8866) that this program reads and writes itself.

/** Says that the picture is a screen or slides (RFC 4796): to be shown large and whole. */
export function withSlides(sdp: string): string {
  return sdp.replace(/^m=video .*\r?\n(?:(?!m=).*\r?\n)*/m, (part) => `${part}a=content:slides\r\n`);
}

export function hasSlides(sdp: string): boolean {
  return sdp.split(/^m=/m).some((part) => part.startsWith("video ") && /^a=content:slides\s*$/m.test(part));
}

/** A picture is offered, not only a place for one. */
export function hasVideo(sdp: string): boolean {
  return sdp.split(/^m=/m).some((part) => part.startsWith("video ") && !/^video 0 /.test(part));
}
