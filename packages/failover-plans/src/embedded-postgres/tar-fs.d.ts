/** The part of tar-fs that base-backup.ts uses; the package ships no types. */
declare module "tar-fs" {
  import type { Writable } from "node:stream";

  interface Header {
    readonly name: string;
    readonly type?: string | null;
    readonly uid?: number;
    readonly gid?: number;
  }

  interface ExtractOptions {
    /** Answers whether to leave the entry out. */
    ignore?(path: string, header?: Header): boolean;
    /** Changes the entry before it is written. */
    map?(header: Header): Header;
    /** Whether to set modification times. */
    utimes?: boolean;
  }

  const tar: {
    /** Unpacks what is written to it below `directory`. */
    extract(directory: string, options: ExtractOptions): Writable;
  };
  // biome-ignore lint/style/noDefaultExport: the shape of the package.
  export default tar;
}
