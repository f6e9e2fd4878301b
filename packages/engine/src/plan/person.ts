/**
 * Names of people (R37): when two of them are the same person. Owns: the two questions an approval asks of a name, each
 * answered so that a doubt never helps who asks. Letters of two scripts that look alike are different letters: who somebody
 * is has to be known by whoever calls the engine.
 */

/** What nobody sees: characters that are ignored when shown, controls of direction, the blank of Braille. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]/gu;
const BLANKS = /[\s\p{Cc}]+/gu;

/**
 * The person a name stands for: equal for names that differ in blanks, case, width, composition or characters that nobody
 * sees. For counting: nobody counts twice. "" = the name shows nothing.
 */
export function personOf(name: string): string {
  const seen = name.replace(UNSEEN, "").normalize("NFKC").replace(UNSEEN, "");
  return seen.replace(BLANKS, " ").trim().toLowerCase();
}

/** Whether a list of names has this one: letter by letter, however its letters are composed. For allowing. */
export function namesPerson(names: readonly string[], name: string): boolean {
  const composed = name.normalize();
  return names.some((one) => one.normalize() === composed);
}
