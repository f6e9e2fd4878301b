/**
 * The chart of docs/benchmarks.md: time of a node beside the floor and other ways to run a graph, on a logarithmic scale, as an SVG
 * without scripts or fonts of its own, readable on a light and on a dark page. Owns: the drawing.
 */
import { entrantOf } from "./entrants.ts";
import { type Figures, RUN } from "./figures.ts";

/** What is drawn: the workload with most contenders among those that were run. */
const DRAWN = ["layered-1e5-async-unlimited", "layered-1e4-async-unlimited", "layered-1e4-async-16"];

const WIDTH = 760;
const LABELS = 200;
const VALUES = 170;
const BAR = 18;
const STEP = 30;
const TOP = 56;

const STYLE = [
  "text{font:13px system-ui,sans-serif;fill:#1f2328}.note{fill:#59636e;font-size:12px}.line{stroke:#d1d9e0}",
  ".floor{fill:#8c959f}.belay{fill:#0969da}.peer{fill:#bf8700}",
  "@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.note{fill:#9198a1}.line{stroke:#3d444d}",
  ".floor{fill:#9198a1}.belay{fill:#4493f8}.peer{fill:#d29922}}",
].join("\n");

/** Fails when none of the drawn workloads was run. */
export function chartOf(figures: Figures): string {
  const bout = DRAWN.map((name) => figures.bout(name, "floor", "belay")).find((one) => one !== undefined);
  if (bout === undefined) throw new Error(`--svg draws one of ${DRAWN.join(", ")}: none was run`);
  const { workload, nodes } = bout;
  const bars = bout.entrants
    .map(({ name }) => ({
      ...entrantOf(name),
      ns: ((figures.of(workload, name, RUN)?.median ?? Number.NaN) / nodes) * 1e6,
      ratio: figures.ratio(workload, [name, "floor"])?.median ?? Number.NaN,
    }))
    .toSorted((a, b) => a.ns - b.ns);
  const least = 10 ** Math.floor(Math.log10(Math.min(...bars.map(({ ns }) => ns))));
  const most = 10 ** Math.ceil(Math.log10(Math.max(...bars.map(({ ns }) => ns))));
  const x = (ns: number): number =>
    LABELS + ((WIDTH - LABELS - VALUES) * Math.log10(ns / least)) / Math.log10(most / least);
  const bottom = TOP + bars.length * STEP;
  const parts = [
    `<text x="8" y="20">Time of a node in nanoseconds, ${workload}: shorter is better, each line is ten times the last</text>`,
  ];
  for (let ns = least; ns <= most; ns *= 10) {
    parts.push(`<line class="line" x1="${fixed(x(ns))}" x2="${fixed(x(ns))}" y1="${TOP - 8}" y2="${bottom}"/>`);
    parts.push(
      `<text class="note" x="${fixed(x(ns))}" y="${TOP - 14}" text-anchor="middle">${ns.toLocaleString("en")}</text>`,
    );
  }
  for (const [index, { title, kind, ns, ratio }] of bars.entries()) {
    const y = TOP + index * STEP;
    const width = Math.max(2, x(ns) - LABELS);
    const told = `${Math.round(ns).toLocaleString("en")} ns${kind === "floor" ? "" : `, ${ratio.toPrecision(3)}x the floor`}`;
    parts.push(`<text x="${LABELS - 8}" y="${y + BAR - 4}" text-anchor="end">${escaped(title)}</text>`);
    parts.push(`<rect class="${kind}" x="${LABELS}" y="${y}" width="${fixed(width)}" height="${BAR}" rx="3"/>`);
    parts.push(`<text class="note" x="${fixed(LABELS + width + 8)}" y="${y + BAR - 4}">${told}</text>`);
  }
  const box = `viewBox="0 0 ${WIDTH} ${bottom + 12}" role="img" aria-label="Time of a node, ${workload}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box}>\n<style>${STYLE}</style>\n${parts.join("\n")}\n</svg>\n`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
