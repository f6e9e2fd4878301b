/** Commands as a shell reads them back. */

/** The words, quoted where a POSIX shell would otherwise change them. */
export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(" ");
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
