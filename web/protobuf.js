// @ts-check
/**
 * Reads a protobuf message, as far as SentencePiece's models need it.
 *
 * A message's values by the numbers of its fields, each a number or bytes (a text, or a message in the message).
 * @typedef {Map<number, (number | Uint8Array)[]>} Message
 */

/** RangeError for bytes that are no message. @param {Uint8Array} bytes @returns {Message} */
export function readMessage(bytes) {
  const reader = new Reader(bytes), found = new Map();
  while (reader.place < bytes.length) {
    const key = reader.varint(), number = Math.floor(key / 8);
    if (!found.has(number)) found.set(number, []);
    found.get(number).push(reader.value(key % 8));
  }
  return found;
}

/** The newest number in a field, or what it is otherwise. @param {Message} message @param {number} field @param {number} otherwise */
export function numberIn(message, field, otherwise) {
  const value = message.get(field)?.at(-1);
  return typeof value === "number" ? value : otherwise;
}

/** The newest bytes in a field, or none. @param {Message} message @param {number} field */
export function bytesIn(message, field) {
  const value = message.get(field)?.at(-1);
  return value instanceof Uint8Array ? value : new Uint8Array();
}

class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.place = 0;
  }

  /** A whole number: seven bits a byte, the lowest first. */
  varint() {
    let value = 0;
    for (let factor = 1; factor < 2 ** 70; factor *= 128) {
      const [byte] = this.take(1);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new RangeError("a number has no end");
  }

  /** A value of a wire type: 0 a whole number, 2 bytes, 1 and 5 a float of 8 or 4 bytes. @param {number} type */
  value(type) {
    if (type === 0) return this.varint();
    if (type === 2) return this.take(this.varint());
    if (type !== 1 && type !== 5) throw new RangeError(`a field has the wire type ${type}`);
    const bytes = this.take(type === 1 ? 8 : 4), view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return type === 1 ? view.getFloat64(0, true) : view.getFloat32(0, true);
  }

  /** @param {number} count */
  take(count) {
    if (this.place + count > this.bytes.length) throw new RangeError("the bytes end within a field");
    return this.bytes.subarray(this.place, (this.place += count));
  }
}
