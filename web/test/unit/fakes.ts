// A WebSocket and a store that a test holds in its hand.

export class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((m: { data: string }) => void) | null = null;
  onclose: ((e: { code: number }) => void) | null = null;
  sent: Record<string, unknown>[] = [];
  closed = false;

  send(data: string): void {
    this.sent.push(JSON.parse(data) as Record<string, unknown>);
  }

  close(): void {
    this.closed = true;
  }

  /** The server's word; the turn of the loop lets promises run. */
  async says(message: object): Promise<void> {
    this.onmessage?.({ data: JSON.stringify(message) });
    await Promise.resolve();
    await Promise.resolve();
  }

  async welcomes(session: string, resumed = false, seq = 0): Promise<void> {
    this.onopen?.();
    const hello = this.sent[this.sent.length - 1];
    const user = { uri: "alice@example.test", name: "Alice" };
    await this.says({ re: hello?.id, ok: { session, resumed, seq, user, limits: { message_bytes: 20000, watch: 500 } } });
  }

  async breaks(code = 1006): Promise<void> {
    this.onclose?.({ code });
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }

  last(op: string): Record<string, unknown> | undefined {
    return [...this.sent].reverse().find((m) => m.op === op);
  }
}

export class FakeStore {
  private values = new Map<string, string>();
  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.values.set(key, value);
  }
  removeItem(key: string): void {
    this.values.delete(key);
  }
}
