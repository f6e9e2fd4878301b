/**
 * The forms in which a secret turns up in texts: as it is, inside JSON, in a URL, in base64, in hex. Owns: that list. It
 * knows no others: a hash of a secret, or half of it, is not found.
 */

/** Shorter texts are not looked for inside others: three letters stand everywhere. */
export const SHORTEST = 4;

/** A line of a secret of several lines, such as a key, is looked for by itself from this length on. */
const SHORTEST_LINE = 8;

/** Every form, each at least `SHORTEST` long, without repetition. None for a shorter text. */
export function formsOf(text: string): readonly string[] {
  const forms = new Set<string>();
  const lines = text.split(/\r?\n/).filter((line) => line.length >= SHORTEST_LINE);
  for (const plain of [text, text.trim(), ...lines]) {
    if (plain.length < SHORTEST) continue;
    for (const form of [plain, ...jsonForms(plain), ...urlForms(plain), ...base64Forms(plain), ...hexForms(plain)])
      if (form.length >= SHORTEST) forms.add(form);
  }
  return [...forms];
}

/** Inside a JSON text, and inside one that stands in another. */
function jsonForms(text: string): string[] {
  const once = JSON.stringify(text).slice(1, -1);
  return [once, JSON.stringify(once).slice(1, -1), once.replaceAll("/", "\\/")];
}

function urlForms(text: string): string[] {
  // Half of a surrogate pair is no character: a URL cannot hold it.
  const whole = Buffer.from(text, "utf8").toString("utf8");
  const component = encodeURIComponent(whole);
  const strict = component.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const forms = [component, strict, encodeURI(whole)];
  const spaced = [...forms, ...forms.map((form) => form.replaceAll("%20", "+"))];
  return [...spaced, ...spaced.map((form) => form.replace(/%[0-9A-F]{2}/g, (sign) => sign.toLowerCase()))];
}

/** By itself, and as the part of a longer text: what comes before shifts it by 0, 1 or 2 bytes. */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text, "utf8");
  const forms = [bytes.toString("base64")];
  for (let shift = 0; shift < 3; shift++) {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    // Signs that also hold bits of the neighbours are left out.
    forms.push(shifted.slice(Math.ceil((8 * shift) / 6), Math.floor((8 * (shift + bytes.length)) / 6)));
  }
  return [...forms, ...forms.map((form) => form.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""))];
}

function hexForms(text: string): string[] {
  const hex = Buffer.from(text, "utf8").toString("hex");
  return [hex, hex.toUpperCase()];
}
