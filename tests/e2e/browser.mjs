// Real Chromium for the end-to-end tests: a page that collects what went wrong on it, screenshots, axe.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const URL_BASE = (process.env.MILLRACE_URL ?? "http://localhost:3000").replace(/\/$/, "");
export const ARTIFACTS =
  process.env.MILLRACE_ARTIFACTS ?? resolve(dirname(fileURLToPath(import.meta.url)), "../artifacts/e2e");
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const launch = () =>
  chromium.launch({ executablePath: process.env.MILLRACE_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });

/** A page of its own context. `problems` fills with console errors, page errors and blocked loads. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 860 },
    acceptDownloads: true,
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const problems = [];
  page.on("console", (m) => {
    if (m.type() === "error") problems.push(m.text());
  });
  page.on("pageerror", (e) => problems.push(String(e)));
  return { context, page, problems };
}

let aside = 0;

/** Milliseconds spent looking on (pictures, axe), which no user waits for. */
export const asideMs = () => aside;

async function lookOn(look) {
  const from = Date.now();
  try {
    return await look();
  } finally {
    aside += Date.now() - from;
  }
}

let shots = 0;
export async function shot(page, name) {
  mkdirSync(ARTIFACTS, { recursive: true });
  shots++;
  await lookOn(() => page.screenshot({ path: join(ARTIFACTS, `${String(shots).padStart(2, "0")}-${name}.png`) }));
}

const faults = [];

/** Looks for violations of WCAG A and AA, below `part` if given; assertAccessible() tells all that were found. */
export async function lookForBarriers(page, where, part) {
  const axe = new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]);
  if (part) axe.include(part);
  const { violations } = await lookOn(() => axe.analyze());
  for (const v of violations)
    faults.push(`${where}: ${v.id}: ${v.help}\n${v.nodes.slice(0, 4).map((n) => `    ${n.target.join(" ")}  ${n.failureSummary?.split("\n")[1] ?? ""}`).join("\n")}`);
}

export function assertAccessible() {
  assert.equal(faults.length, 0, `axe:\n${faults.join("\n")}`);
}

/** The text of the cell in a displayed row and a column's header name. */
export async function cell(page, row, column) {
  const id = await page.locator(".ag-header-cell", { hasText: column }).first().getAttribute("col-id");
  return page.locator(`.ag-center-cols-container [row-index="${row}"] [col-id="${id}"]`);
}

export const email = () => `e2e-${Date.now()}-${Math.random().toString(36).slice(2, 8)}@example.com`;
