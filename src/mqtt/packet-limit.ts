import type { Socket } from 'node:net';

/** MQTT 3.1.1 §2.2.3: the remaining length takes at most four bytes. */
const LENGTH_BYTES = 4;

/**
 * Follows the packet boundaries of a byte stream (fixed header, remaining length, that many bytes) without
 * keeping any of it.
 */
export class PacketSizes {
  readonly #limit: number;
  #left = 0;
  #length = 0;
  #lengthBytes = -1;

  /** `limit`: bytes of a whole packet. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False as soon as a packet announces more than the limit, or no valid length. */
  accept(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#left -= taken;
        at += taken;
      } else if (!this.#header(chunk[at++] as number)) {
        return false;
      }
    }
    return true;
  }

  #header(byte: number): boolean {
    if (this.#lengthBytes < 0) {
      this.#lengthBytes = 0;
      this.#length = 0;
      return true;
    }
    this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes++;
    if (byte >= 0x80) return this.#lengthBytes < LENGTH_BYTES;
    const whole = 1 + this.#lengthBytes + this.#length;
    this.#left = this.#length;
    this.#lengthBytes = -1;
    return whole <= this.#limit;
  }
}

/**
 * Ends a connection whose peer announces a packet of more than `limit` bytes, before it is collected in
 * memory: the broker library has no such limit. `onRefused` hears of it once.
 */
export function limitPackets(socket: Socket, limit: number, onRefused: () => void): void {
  const sizes = new PacketSizes(limit);
  const read = socket.read.bind(socket);
  socket.read = (size?: number) => {
    const chunk: unknown = read(size);
    if (!(chunk instanceof Uint8Array) || sizes.accept(chunk)) return chunk;
    socket.destroy();
    onRefused();
    return null;
  };
}
