/**
 * ZIP files without compression, as photographs are compressed already.
 *
 * After PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory) and
 * 4.3.16 (its end); names are UTF-8 (general purpose bit 11).
 */

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
const UTF_8 = 1 << 11;
const LARGEST = 0xffffffff; // bytes, and 65535 files: beyond is ZIP64
const MOST = 0xffff;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return value;
});

/** The CRC-32 of ZIP, PNG and Ethernet (polynomial 0x04C11DB7, reflected) of a Uint8Array. */
export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff];
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * Packs blobs. Only one of them is in memory at a time: the result refers to the others.
 *
 * @param {{name: string, blob: Blob}[]} files names are to differ.
 * @param {Date} date for all of them, in local time as ZIP has it.
 * @returns {Promise<Blob>}
 * @throws {RangeError} more than a ZIP file holds.
 */
export async function zip(files, date = new Date()) {
  const size = files.reduce((sum, { name, blob }) => sum + blob.size + 76 + 6 * name.length, 22);
  if (size > LARGEST || files.length > MOST) {
    throw new RangeError("This is more than one ZIP file holds; download the photographs singly.");
  }
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, blob } of files) {
    const nameBytes = new TextEncoder().encode(name);
    const crc = crc32(new Uint8Array(await blob.arrayBuffer()));
    const common = [
      ...[u16(VERSION), u16(UTF_8), u16(0), u16(dosTime(date)), u16(dosDate(date))],
      ...[u32(crc), u32(blob.size), u32(blob.size), u16(nameBytes.length), u16(0)],
    ];
    parts.push(u32(LOCAL), ...common, nameBytes, blob);
    directory.push(u32(CENTRAL), u16(VERSION), ...common);
    directory.push(u16(0), u16(0), u16(0), u32(0), u32(offset), nameBytes);
    offset += 30 + nameBytes.length + blob.size;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const count = u16(files.length);
  const end = [u32(END), u16(0), u16(0), count, count, u32(length), u32(offset), u16(0)];
  return new Blob([...parts, ...directory, ...end], { type: "application/zip" });
}

function u16(value) {
  return Uint8Array.of(value & 0xff, value >>> 8);
}

function u32(value) {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
}

function dosTime(date) {
  return (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
}

function dosDate(date) {
  return ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
}
