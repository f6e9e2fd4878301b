/**
 * What users would get: packs every package, looks at the tarballs as publint and attw do, and installs them into an
 * empty project whose other dependencies are linked, so that every entry point is imported by a plain Node.
 * Owns: the checks. Everything is written to one temporary folder, which the caller removes. Needs a build.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** One package as `npm pack` made it. */
export interface PackedPackage {
  readonly name: string;
  /** Where its sources stand. */
  readonly folder: string;
  readonly tarball: string;
  /** Paths inside the tarball. */
  readonly files: readonly string[];
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | { readonly types?: string; readonly default?: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Folders of the workspaces. */
export async function packageFolders(): Promise<string[]> {
  const entries = await readdir(join(ROOT, "packages"));
  return entries
    .map((name) => join(ROOT, "packages", name))
    .filter((folder) => existsSync(join(folder, "package.json")));
}

/** Packs one package into `target`. */
export async function pack(folder: string, target: string): Promise<PackedPackage> {
  const { code, output } = await run("npm", ["pack", "--json", "--silent", "--pack-destination", target], folder);
  if (code !== 0) throw new Error(`npm pack ${folder}:\n${output}`);
  const [report] = JSON.parse(output) as [{ name: string; filename: string; files: { path: string }[] }];
  const tarball = join(target, basename(report.filename));
  return { name: report.name, folder, tarball, files: report.files.map((file) => file.path) };
}

/** What is wrong with a tarball; empty when nothing is. */
export async function lintPackage(packed: PackedPackage): Promise<string[]> {
  const stray = packed.files.filter((path) => /\.tsbuildinfo$|\.test\.|(^|\/)node_modules\//.test(path));
  const missing = ["LICENSE", "README.md", "package.json"].filter((path) => !packed.files.includes(path));
  const publint = await run("publint", ["run", packed.tarball, "--strict"], ROOT);
  const attw = await run(
    "attw",
    [packed.tarball, "--profile", "esm-only", "--no-definitely-typed", "--no-emoji"],
    ROOT,
  );
  return [
    ...stray.map((path) => `${packed.name}: ${path} does not belong into the package`),
    ...missing.map((path) => `${packed.name}: ${path} is missing`),
    ...(publint.code === 0 ? [] : [`${packed.name}: publint\n${publint.output}`]),
    ...(attw.code === 0 ? [] : [`${packed.name}: attw\n${attw.output}`]),
  ];
}

/** Unpacks the tarballs into `project/node_modules` and links everything else that they depend on. */
export async function install(packages: readonly PackedPackage[], project: string): Promise<void> {
  const modules = join(project, "node_modules");
  for (const packed of packages) {
    const home = join(modules, packed.name);
    await mkdir(home, { recursive: true });
    const { code, output } = await run("tar", ["-xzf", packed.tarball, "--strip-components=1", "-C", home], project);
    if (code !== 0) throw new Error(`tar ${packed.tarball}:\n${output}`);
  }
  for (const packed of packages) await linkDependencies(packed, modules);
  await writeFile(join(project, "package.json"), `{ "private": true, "type": "module" }\n`);
}

async function linkDependencies(packed: PackedPackage, modules: string): Promise<void> {
  const manifest = await manifestOf(packed.folder);
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    const link = join(modules, name);
    const installed = [packed.folder, ROOT].map((folder) => join(folder, "node_modules", name)).find(existsSync);
    if (existsSync(link) || installed === undefined) continue;
    await mkdir(dirname(link), { recursive: true });
    await symlink(installed, link, "junction");
  }
}

/** Imports every entry point and starts every command of an installed package, outside the project. */
export async function tryPackage(packed: PackedPackage, project: string): Promise<string[]> {
  const manifest = await manifestOf(packed.folder);
  const home = join(project, "node_modules", packed.name);
  const wrong: string[] = [];
  for (const [entry, target] of Object.entries(manifest.exports ?? {})) {
    if (typeof target === "string") {
      if (!target.includes("*") && !existsSync(join(home, target))) wrong.push(`${packed.name}: ${entry} is missing`);
      continue;
    }
    const specifier = packed.name + entry.slice(1);
    const script = `const m = await import(${JSON.stringify(specifier)}); if (Object.keys(m).length === 0) throw new Error("no exports");`;
    const { code, output } = await run(process.execPath, ["--input-type=module", "--eval", script], project);
    if (code !== 0) wrong.push(`${packed.name}: import "${specifier}"\n${output}`);
    if (!existsSync(join(home, target.types ?? "no types"))) wrong.push(`${packed.name}: ${entry} has no types`);
  }
  for (const [command, path] of Object.entries(manifest.bin ?? {})) {
    const { code, output } = await run(process.execPath, [join(home, path), "--version"], project);
    if (code !== 0 || !output.includes(manifest.version)) wrong.push(`${packed.name}: ${command} --version\n${output}`);
  }
  return wrong;
}

/** Every check of every package; empty when all is well. */
export async function checkPackages(target: string): Promise<string[]> {
  const project = join(target, "project");
  await mkdir(project);
  const packages: PackedPackage[] = [];
  for (const folder of await packageFolders()) packages.push(await pack(folder, target));
  await install(packages, project);
  const wrong: string[] = [];
  for (const packed of packages) wrong.push(...(await lintPackage(packed)), ...(await tryPackage(packed, project)));
  return wrong;
}

async function manifestOf(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
}

/** Runs a command to its end with the project's tools first in PATH; never throws for a bad exit. */
function run(command: string, args: readonly string[], cwd: string): Promise<{ code: number; output: string }> {
  const path = [join(ROOT, "node_modules", ".bin"), process.env["PATH"]].join(process.platform === "win32" ? ";" : ":");
  // A condition of the caller must not reach the trial: users have none.
  const env = { ...process.env, PATH: path, NODE_OPTIONS: "", NO_COLOR: "1" };
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env, maxBuffer: 16 << 20, timeout: 120_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, output: stdout + (code === 0 ? "" : stderr + (error?.message ?? "")) });
    });
  });
}
