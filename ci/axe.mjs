// Does axe-core find anything on these pages? Every page with everything unfolded: light and wide, dark and narrow.
import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.env.MODULES, "axe.js"));
const puppeteer = (await import(pathToFileURL(require.resolve("puppeteer-core")))).default;
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const profile = mkdtempSync(join(tmpdir(), "auditor-axe-"));
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM, userDataDir: profile, args: ["--no-sandbox", ...quiet] });
let found = 0;
try {
  for (const file of process.argv.slice(2)) {
    found += await look(file, "light", 1200);
    found += await look(file, "dark", 400);
  }
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
process.exit(found ? 1 : 0);

async function look(file, scheme, width) {
  const page = await browser.newPage();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.setBypassCSP(true); // axe is injected; the page itself may run nothing
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(pathToFileURL(resolve(file)).href);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await page.evaluate(() => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
  await page.evaluate(axe);
  const result = await page.evaluate((only) => axe.run({ runOnly: only }), tags);
  await page.close();
  const where = `${file} (${scheme}, ${width})`;
  for (const violation of result.violations) {
    console.error(`axe: ${where}: ${violation.id}: ${violation.help}`);
    for (const node of violation.nodes.slice(0, 5)) console.error(`  ${node.target.join(" ")}\n    ${node.html.slice(0, 160)}\n    ${node.failureSummary.split("\n").slice(1, 2).join("").trim()}`);
  }
  if (wide > 0) console.error(`axe: ${where}: the page is ${wide} pixels wider than the window`);
  const outside = asked.filter((url) => !url.startsWith("file:"));
  for (const url of outside) console.error(`axe: ${where}: asks for ${url}`);
  return result.violations.length + (wide > 0 ? 1 : 0) + outside.length;
}
